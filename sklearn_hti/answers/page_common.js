"use strict";
// Common to pages of one and of several hyperparameters: numbers as text, shares, axes.
const COLORS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
  "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"];
const GREY = "#9aa5b1", ALL = -1, POOL = 3000, BINS = 44, TRAILS = 24;
const SIDE = { xaxis: "x2", yaxis: "y" }, TOP = { xaxis: "x", yaxis: "y2" };
const at = (id) => document.getElementById(id);
const NIGHT = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
const look = () => (NIGHT?.matches
  ? { main: "#62aee6", ink: "#e4e7eb", paper: "#15191e", grid: "#2b333c", faint: "#4a5561",
    cursor: "#ff8a4c", greys: [85, 190] }
  : { main: COLORS[0], ink: "#1f2933", paper: "#fff", grid: "#eef1f4", faint: "#c3cad1",
    cursor: "#d9480f", greys: [205, 85] });
const narrow = () => (at("plot").clientWidth || 1000) < 560;  // a phone: one picture, no margins
// plotly reads tags, entities and %{...} in the texts that it draws
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&#37;" };
const safe = (name) => name.replace(/[&<>%]/g, (sign) => SIGNS[sign]);
// three digits of what differs: more of numbers far from zero
const digits = (low, high) => Math.min(15,
  3 + Math.max(0, Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)))));
const text = (v, n) => String(Number(v.toPrecision(n))).replaceAll("-", "−");

function readValues(data) {
  const D = data.shape[3], bytes = Uint8Array.from(atob(data.values), (c) => c.charCodeAt(0));
  const levels = new Uint16Array(bytes.buffer);
  return Float64Array.from(levels, (v, i) => data.low[i % D] + data.step[i % D] * v);
}

function quantiles(y, levels) {
  const sorted = Float64Array.from(y).sort();
  return levels.map((q) => {
    const place = q * (sorted.length - 1), k = Math.floor(place);
    return sorted[k] + (place - k) * ((sorted[k + 1] ?? sorted[k]) - sorted[k]);
  });
}

function shares(y, [low, high]) {  // a histogram
  const width = (high - low) / BINS, counts = new Array(BINS).fill(0);
  for (const v of y) counts[Math.min(BINS - 1, Math.max(0, Math.floor((v - low) / width)))] += 1;
  return {
    centers: counts.map((_, i) => low + (i + 0.5) * width),
    shares: counts.map((c) => c / y.length),
  };
}

function pairs(rows, S) {  // [row, draw], thinned where they are many
  const every = Math.max(1, Math.ceil(rows.length * S / POOL));
  return rows.flatMap((n) => [...Array(S).keys()].map((s) => [n, s]))
    .filter((_, i) => i % every === 0);
}

// What numbers of one lambda stand for: draws of one input, inputs, or a single answer.
function kindOf(data, state, members) {
  if (state.row === ALL) return data.draws ? "draws of all rows" : "rows";
  return members.length > 1 ? "draws" : null;
}

function told(data, state, members, y, show) {
  const [low, middle, high] = quantiles(y, [0.05, 0.5, 0.95]).map(show);
  const kind = kindOf(data, state, members);
  return kind === null ? middle
    : `median of ${kind} ${middle}, 90 % of ${kind} between ${low} and ${high}`;
}

function rowMeans(members, y) {  // the mean of the draws of every row
  const sums = new Map();
  members.forEach(([n], i) => {
    const [sum, count] = sums.get(n) ?? [0, 0];
    sums.set(n, [sum + y[i], count + 1]);
  });
  return [...sums.values()].map(([sum, count]) => sum / count);
}

// One line for every row: rows differ, which is no uncertainty.
function linesOfRows(x, means) {
  const to = { x: [], y: [] };
  for (let n = 0; n < means[0].length; n++) {
    x.forEach((v, l) => { to.x.push(v); to.y.push(means[l][n]); });
    to.x.push(null);
    to.y.push(null);
  }
  return Object.assign(to, { mode: "lines", hoverinfo: "skip", showlegend: true, opacity: 0.55,
    line: { color: look().main, width: 1 }, name: `each of ${means[0].length} rows` });
}

function widened(low, high) {
  const margin = 0.06 * (high - low) || 0.1 * Math.max(1, Math.abs(low));
  return [low - margin, high + margin];
}

function outline(h, axes, style) {  // a histogram as one line: those can move alone
  const [value, part] = axes === TOP ? "xy" : "yx", shape = axes === TOP ? "hvh" : "vhv";
  return Object.assign({ [value]: h.centers, [part]: h.shares, mode: "lines", showlegend: false,
    line: { color: style.color, width: 1, shape }, hoverinfo: "skip" }, axes, style.more);
}

const fill = (axes) => ({ color: look().main, more: {
  fill: axes === TOP ? "tozeroy" : "tozerox", fillcolor: "rgba(31,119,180,0.55)" } });

const axis = (title, more) => Object.assign({
  title: { text: title }, zeroline: false, showline: true, linecolor: GREY, ticks: "outside",
  tickcolor: GREY, gridcolor: look().grid, automargin: true, nticks: narrow() ? 5 : 0,
}, more);
const plain = (more) => axis("", Object.assign(
  { showticklabels: false, showgrid: false, showline: false, ticks: "", fixedrange: true }, more));

const band = (x, low, high, fillcolor, name) => [
  { x, y: low, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false },
  { x, y: high, mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor, hoverinfo: "skip",
    name, showlegend: true }];

const layoutOf = () => ({ hovermode: "closest", dragmode: narrow() ? false : "pan",
  margin: narrow() ? { l: 44, r: 8, t: 12, b: 40 } : { l: 64, r: 12, t: 28, b: 52 },
  paper_bgcolor: look().paper, plot_bgcolor: look().paper, showlegend: true,
  legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top" },
  font: { family: "system-ui, Segoe UI, Roboto, Helvetica, sans-serif", size: narrow() ? 11 : 13,
    color: look().ink } });
const BUTTONS = { responsive: true, displaylogo: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };

function choose(state, label, key, options, values, changed) {
  const box = document.createElement("label"), select = document.createElement("select");
  select.id = key;
  options.forEach((name, i) => select.add(new Option(name, values[i])));
  select.value = state[key];
  select.addEventListener("change", () => { state[key] = Number(select.value); changed(); });
  box.append(label + " ", select);
  at("controls").append(box);
  return select;
}

function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
}

function whenSeenAnew(redraw) {  // by night, or in another width
  NIGHT?.addEventListener?.("change", redraw);
  globalThis.addEventListener?.("resize", redraw);
}

const rowChoices = (data) => {
  const [, N] = data.shape, some = data.given > N ? ` of ${data.given}` : "";
  return [[...data.labels, `all ${N}${some} rows, one line or dot each`],
    [...data.labels.keys(), ALL]];
};

const rowNote = (data) => {
  const [, N] = data.shape;
  if (N === 1) return "";
  return " All rows together show how inputs differ, not how uncertain an answer is." +
    (data.given > N ? ` The page holds ${N} of ${data.given} rows.` : "");
};
