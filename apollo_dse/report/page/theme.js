// Light or dark, and what every page starts with.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Theme in force: the reader's choice (this page's, or `#theme=dark` in the address), else the system's. */
function wantedTheme() {
  const asked = /theme=(light|dark)/.exec(location.hash + location.search)?.[1];
  let kept = null;
  try {
    kept = localStorage.getItem("apollo-dse-theme");
  } catch {
    /* file pages may have no storage */
  }
  return asked ?? kept ?? (dark.matches ? "dark" : "light");
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light theme" : "Dark theme";
  redrawAll();
}

/** Everything that a page needs besides its content: theme, tooltip, what is spoken. */
function startPage() {
  document.body.append(tip, spoken);
  document.getElementById("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("apollo-dse-theme", theme);
    } catch {
      /* the choice lasts for this view */
    }
    setTheme(theme);
  });
  dark.addEventListener("change", () => setTheme(wantedTheme()));
  addEventListener("beforeprint", () => setTheme("light"));
  addEventListener("afterprint", () => setTheme(wantedTheme()));
  addEventListener("scroll", hideTip, { passive: true });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hideTip();
    if (!event.defaultPrevented) clearBrushes();
  });
  setTheme(wantedTheme());
}
