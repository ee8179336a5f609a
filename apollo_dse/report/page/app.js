// A report: the document stands in the page, and is shown once.

function render(report) {
  checkSchema(report);
  document.title = `${report.study.name}: apollo-dse report`;
  document
    .getElementById("report")
    .replaceChildren(
      headerOf(report),
      h(
        "main",
        { id: "main" },
        answerSection(report),
        designSection(report),
        layersSection(report),
        searchSection(report),
      ),
      footerOf(report),
    );
}

startPage();
render(JSON.parse(document.getElementById("report-data").textContent));
