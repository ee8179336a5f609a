// Which view the address asks for.

function startDashboard() {
  const query = new URLSearchParams(location.search);
  if (query.has("token")) {
    query.delete("token"); // it is in a cookie by now, and need not stay in the history
    history.replaceState(null, "", location.pathname + (query.size ? `?${query}` : "") + location.hash);
  }
  const root = document.getElementById("view");
  const study = /^\/studies\/([^/]+)$/.exec(location.pathname);
  if (study) studyView(root, decodeURIComponent(study[1]));
  else if (location.pathname === "/compare") compareView(root, [...new Set(query.getAll("study"))]);
  else shelfView(root);
}

startPage();
startDashboard();
