"use strict";
// Common to pages of one and of several hyperparameters: numbers as text, shares, axes.
const COLORS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
  "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"];
const MAIN = COLORS[0], GREY = "#9aa5b1", ALL = -1, POOL = 3000, BINS = 44, TRAILS = 24;
const SIDE = { xaxis: "x2", yaxis: "y" }, TOP = { xaxis: "x", yaxis: "y2" };
const at = (id) => document.getElementById(id);
// plotly reads tags, entities and %{...} in the texts that it draws
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&#37;" };
const safe = (name) => name.replace(/[&<>%]/g, (sign) => SIGNS[sign]);
// three digits of what differs: more of numbers far from zero
const digits = (low, high) => Math.min(15,
  3 + Math.max(0, Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)))));
const text = (v, n) => String(Number(v.toPrecision(n))).replaceAll("-", "−");

function readValues(data) {
  const D = data.shape[3], scaled = new Float32Array(
    Uint8Array.from(atob(data.values), (c) => c.charCodeAt(0)).buffer);
  return Float64Array.from(scaled, (v, i) => data.center[i % D] + data.scale[i % D] * v);
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

function widened(low, high) {
  const margin = 0.06 * (high - low) || 0.1 * Math.max(1, Math.abs(low));
  return [low - margin, high + margin];
}

function outline(h, axes, style) {  // a histogram as one line: those can move alone
  const [value, part] = axes === TOP ? "xy" : "yx", shape = axes === TOP ? "hvh" : "vhv";
  return Object.assign({ [value]: h.centers, [part]: h.shares, mode: "lines", showlegend: false,
    line: { color: style.color, width: 1, shape }, hoverinfo: "skip" }, axes, style.more);
}

const fill = (axes) => ({ color: MAIN, more: {
  fill: axes === TOP ? "tozeroy" : "tozerox", fillcolor: "rgba(31,119,180,0.55)" } });

const axis = (title, more) => Object.assign({
  title: { text: title }, zeroline: false, showline: true, linecolor: GREY, ticks: "outside",
  tickcolor: GREY, gridcolor: "#eef1f4",
}, more);
const plain = (more) => axis("", Object.assign(
  { showticklabels: false, showgrid: false, showline: false, ticks: "", fixedrange: true }, more));

const band = (x, low, high, fillcolor, name) => [
  { x, y: low, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false },
  { x, y: high, mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor, hoverinfo: "skip",
    name, showlegend: true }];

const LOOK = { margin: { l: 64, r: 12, t: 28, b: 52 }, hovermode: "closest", dragmode: "pan",
  paper_bgcolor: "#fff", plot_bgcolor: "#fff",
  font: { family: "system-ui, Segoe UI, Roboto, Helvetica, sans-serif", size: 13,
    color: "#1f2933" } };
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
