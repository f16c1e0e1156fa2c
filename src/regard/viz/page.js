// Charts take the colours of the page, which are light or dark as the reader's system is, and
// light on paper.
(() => {
  const root = document.documentElement;
  const paint = () => {
    const style = getComputedStyle(root);
    const [ink, grid, soft] = ["--ink", "--grid", "--soft"].map((name) => style.getPropertyValue(name).trim());
    for (const chart of document.querySelectorAll(".plotly-graph-div")) {
      const change = { "font.color": ink };
      for (const axis of Object.keys(chart.layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
        change[`${axis}.gridcolor`] = change[`${axis}.linecolor`] = grid;
        change[`${axis}.zerolinecolor`] = soft;
      }
      Plotly.relayout(chart, change);
    }
  };
  const on_paper = (printed) => () => { root.classList.toggle("printed", printed); paint(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  addEventListener("beforeprint", on_paper(true));
  addEventListener("afterprint", on_paper(false));
  paint();
  // A picture that was drawn before its neighbour took the room of both.
  for (const chart of document.querySelectorAll(".plotly-graph-div")) Plotly.Plots.resize(chart);
})();
