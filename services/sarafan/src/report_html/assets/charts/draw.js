// Draws every chart, and again when the width or the scheme changes.

const data = JSON.parse(document.getElementById("report-data").textContent);
const places = [...document.querySelectorAll("[data-chart]")];
const drawn = new Map();

function draw(place) {
  const width = place.clientWidth;
  if (width === 0) return;
  const paper = { ...colours(), width };
  const { option, height } = charts[place.dataset.chart](data[place.dataset.chart], paper);
  place.style.height = `${height}px`;
  let chart = drawn.get(place);
  if (!chart) {
    chart = echarts.init(place, null, { renderer: "svg", width, height });
    drawn.set(place, chart);
  }
  chart.resize({ width, height });
  chart.setOption(option, { notMerge: true });
}

const drawAll = () => places.forEach(draw);

for (const place of places) {
  draw(place);
  // The table was open for whoever has no scripts.
  place.parentElement.querySelector("details")?.removeAttribute("open");
}
document.documentElement.dataset.drawn = String(drawn.size);

const widths = new Map(places.map((place) => [place, place.clientWidth]));
const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (widths.get(target) === target.clientWidth) continue;
    widths.set(target, target.clientWidth);
    draw(target);
  }
});
places.forEach((place) => watch.observe(place));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
// Paper is light and has a width of its own: the style sheet says both.
matchMedia("print").addEventListener("change", drawAll);
