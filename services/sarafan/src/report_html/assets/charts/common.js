// What the charts have in common. A chart is a function of its data and of the paper it is drawn on (width, colours), and gives
// the options of ECharts and a height. Text is 12 px or larger everywhere.

const charts = {};
const NONE = "–";
const SIZE = 12;

const grouped = (value, digits) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" })
    .format(value)
    .replace("-", "−");
const number = (value, digits = 0) => (value === null || value === undefined ? NONE : grouped(value, digits));
const points = (value) => number(value, 1);
const percent = (value, digits = 1) => (value === null || value === undefined ? NONE : `${grouped(100 * value, digits)}%`);
const interval = (low, high, text) => (low === null || high === null ? NONE : `${text(low)} to ${text(high)}`);
const short = (value) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
// Days as the page writes them, whatever the language of the browser.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const parts = (day) => {
  const date = new Date(day);
  return [date.getUTCDate(), MONTHS[date.getUTCMonth()], date.getUTCFullYear()];
};
const day = (text) => parts(text).join(" ");
const dayOfYear = (text) => parts(text).slice(0, 2).join(" ");
const month = (text) => parts(text).slice(1).join(" ");
const shortMonth = (text) => `${parts(text)[1]} ${String(parts(text)[2] % 100).padStart(2, "0")}`;

// The colours of the scheme in force, as the style sheet has them.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ink", "muted", "grid", "surface", "whole", "target", "benchmark", "detractor", "passive", "promoter", "bar"];
  const found = Object.fromEntries(names.map((name) => [name, of(name)]));
  found.series = [1, 2, 3, 4, 5, 6].map((place) => of(`c${place}`));
  found.scale = [of("scale-0"), of("scale-1")];
  return found;
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function luminance(hex) {
  const [r, g, b] = channels(hex).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Black or white, whichever reads better on a colour: one of them always has a contrast above 4.5.
const on = (hex) => (luminance(hex) > 0.179 ? "#000000" : "#ffffff");

// A colour between two, by a share of 0 to 1.
function between([from, to], share) {
  const [a, b] = [channels(from), channels(to)];
  const mixed = a.map((c, i) => Math.round(c + (b[i] - c) * share));
  return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

// A tooltip of elements, so that a name is text whatever it holds.
function tip(title, rows) {
  const box = document.createElement("div");
  const head = document.createElement("strong");
  head.textContent = title;
  box.append(head);
  for (const [label, value] of rows) {
    const line = document.createElement("div");
    line.textContent = `${label}: ${value}`;
    box.append(line);
  }
  return box;
}

const tooltip = (paper, rest) => ({
  confine: true,
  transitionDuration: 0,
  backgroundColor: paper.surface,
  borderColor: paper.grid,
  textStyle: { color: paper.ink, fontSize: 13 },
  extraCssText: "max-width: 20rem; white-space: normal;",
  ...rest,
});

// Axes: few lines, quiet text.
const label = (paper, rest) => ({ color: paper.muted, fontSize: SIZE, hideOverlap: true, ...rest });
const valueAxis = (paper, rest = {}) => ({
  type: "value",
  splitNumber: 4,
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: paper.grid } },
  nameTextStyle: { color: paper.muted, fontSize: SIZE },
  ...rest,
  axisLabel: label(paper, rest.axisLabel),
});
const categoryAxis = (paper, rest = {}) => ({
  type: "category",
  axisLine: { lineStyle: { color: paper.grid } },
  axisTick: { show: false },
  ...rest,
  axisLabel: label(paper, { color: paper.ink, ...rest.axisLabel }),
});

const base = (option) => ({
  animation: false,
  textStyle: { fontFamily: "system-ui, sans-serif", fontSize: SIZE },
  ...option,
});

// A band between two lines: the lower one unseen, the difference on top of it.
function band(name, color, axes, lows, highs, step) {
  const common = {
    type: "line",
    ...axes,
    stack: name,
    stackStrategy: "all",
    step,
    symbol: "none",
    silent: true,
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
  };
  const widths = highs.map(([x, high], i) => [x, high === null ? null : high - lows[i][1]]);
  return [
    { ...common, name: `${name} low`, data: lows },
    { ...common, name: `${name} high`, data: widths, areaStyle: { color, opacity: 0.18 } },
  ];
}

// Ends and labels of an axis that all lie on one step: the smallest that needs no more than so many.
function roundAxis(least, most, steps, labels) {
  const ends = (step) => ({ min: Math.floor(least / step) * step, max: Math.ceil(most / step) * step, interval: step });
  const axes = steps.map(ends);
  return axes.find(({ min, max, interval }) => (max - min) / interval <= labels) ?? axes.at(-1);
}

// Every step divides 100, so no end lies beyond what an NPS can be.
const pointAxis = (values) => roundAxis(Math.min(...values), Math.max(...values), [5, 10, 20, 25, 50], 6);
