const data = JSON.parse(at("data").textContent);
const [, N, , D] = data.shape;
const off = (p) => data.places[p].reduce((sum, v) => sum + (v - 0.5) ** 2, 0);
const points = [...Array(data.trained).keys()];
const middle = points.reduce((a, b) => (off(b) < off(a) ? b : a));
const state = { places: [...data.places[middle]], codes: [...data.codes[middle]], point: middle,
  along: data.regions[0].free[0],
  row: 0, x: 0, y: D > 1 ? 1 : 0 };
const space = makeSpace(data, state);
const { numbers, categories, draws, histogram, range, peak } = space;
const kind = () => kindOf(data, state, space.members());
const beside = () => !narrow() && kind() !== null;  // histograms beside the picture
const plot = at("plot"), STEPS = 240;
const format = (name, d) => `%{${name}:.${digits(...range(d))}~g}`;
const outText = (v, d) => text(v, digits(...range(d)));

// ---------------------------------------------------------------- lambda
const numberAt = (n, place) => {  // the number at a place of its scale
  const of = data.hypers[numbers[n]].values, k = Math.min(of.length - 2, Math.floor(place * STEPS));
  const f = place * STEPS - Math.max(0, k), low = of[Math.max(0, k)], high = of[Math.max(0, k) + 1];
  return data.hypers[numbers[n]].log ? low * (high / low) ** f : low + f * (high - low);
};
const numberText = (n, v) => text(v, data.hypers[numbers[n]].log ? 3
  : digits(data.hypers[numbers[n]].values[0], data.hypers[numbers[n]].values[STEPS]));
const lamOf = (point) => data.hypers.map((hyper, j) => hyper.levels === null
  ? `${hyper.name} = ${numberText(numbers.indexOf(j), data.lam[point][j])}`
  : `${hyper.name} = ${hyper.levels[data.lam[point][j]]}`).join(", ");
const lamText = () => (state.point !== null ? lamOf(state.point) : data.hypers.map((hyper, j) => {
  const n = numbers.indexOf(j);
  return n >= 0 ? `${hyper.name} = ${numberText(n, numberAt(n, state.places[n]))}`
    : `${hyper.name} = ${hyper.levels[state.codes[categories.indexOf(j)]]}`;
}).join(", "));

// ---------------------------------------------------------------- pictures
const ridge = (y, d, axes) => outline(histogram(y, d), axes, fill(axes));

function alongOne(mix) {  // D = 1: quantiles along one number, with a histogram beside them
  const hyper = data.hypers[numbers[state.along]], way = space.along(state.along, 60);
  const x = way.map(([place]) => numberAt(state.along, place));
  const along = way.map(([, there]) => draws(there, 0));
  const q = along.map((y) => quantiles(y, [0.05, 0.25, 0.5, 0.75, 0.95]));
  const level = (k) => q.map((row) => row[k]), drawn = kind() !== null;
  const here = numberAt(state.along, state.places[state.along]);
  const rows = state.row === ALL && x.length
    ? [linesOfRows(x, along.map((y) => rowMeans(space.members(), y)))] : [
      ...(drawn ? [
        ...band(x, level(0), level(4), "rgba(31,119,180,0.18)", "90 % of draws"),
        ...band(x, level(1), level(3), "rgba(31,119,180,0.3)", "50 % of draws")] : []),
      { x, y: level(2), mode: "lines", line: { color: look().main, width: 2 }, showlegend: true,
        name: drawn ? "median of draws" : "answer",
        hovertemplate: `${safe(hyper.name)} = %{x:.4~g}: ${format("y", 0)}<extra></extra>` }];
  const traces = [
    ...rows,
    { x: [here, here], y: range(0), mode: "lines", showlegend: false, hoverinfo: "skip",
      line: { color: mix === null ? GREY : look().cursor, width: 2 } },
    ...(mix === null || !beside() ? [] : [ridge(draws(mix, 0), 0, SIDE)])];
  return [traces, {
    xaxis: axis(safe(hyper.name), { domain: [0, beside() ? 0.66 : 1], type: hyper.log ? "log" : "linear",
      range: [hyper.values[0], hyper.values[STEPS]].map((v) => hyper.log ? Math.log10(v) : v) }),
    xaxis2: axis(`share of ${kind()}`, { domain: [0.7, 1], tickformat: ".0%",
      range: [0, peak(0)], fixedrange: true }),
    yaxis: axis(safe(data.outputs[0]), { range: range(0) }),
  }];
}

function trails() {  // some draws along the chosen number
  const way = space.along(state.along, 30), n = space.members().length;
  const every = Math.max(1, Math.floor(n / TRAILS)), x = [], y = [];
  const across = way.map(([, mix]) => draws(mix, state.x));
  const up = way.map(([, mix]) => draws(mix, state.y));
  for (let i = 0; i < n; i += every) {
    way.forEach((_, l) => { x.push(across[l][i]); y.push(up[l][i]); });
    x.push(null); y.push(null);
  }
  return { x, y };
}

function inPlane(mix) {  // D > 1: the plane of two outputs, and the histogram of either
  const { x: dx, y: dy } = state, every = Math.ceil(space.members().length * data.trained / POOL);
  const ghosts = [dx, dy].map((d) => points
    .flatMap((p) => space.onPoint(p, d)).filter((_, i) => i % every === 0));
  const color = state.row === ALL && N <= COLORS.length
    ? space.members().map(([n]) => COLORS[n]) : COLORS[Math.max(0, state.row) % COLORS.length];
  const traces = [
    { x: ghosts[0], y: ghosts[1], mode: "markers", hoverinfo: "skip", name: "at trained values",
      marker: { color: look().faint, size: 4, opacity: 0.5 }, showlegend: true },
    Object.assign({ mode: "lines", hoverinfo: "skip", showlegend: true,
      name: `along ${safe(data.hypers[numbers[state.along]].name)}`,
      line: { color: GREY, width: 1 } }, trails())];
  if (mix !== null) {
    traces.push({ x: draws(mix, dx), y: draws(mix, dy), mode: "markers", showlegend: true,
      name: `${kind() ?? "answer"} at the sliders`,
      marker: { color, size: 7, opacity: 0.8, line: { color: look().paper, width: 0.5 } },
      hovertemplate: `(${format("x", dx)}, ${format("y", dy)})<extra></extra>` });
    if (beside()) traces.push(ridge(draws(mix, dx), dx, TOP), ridge(draws(mix, dy), dy, SIDE));
  }
  const part = beside() ? 0.8 : 1, same = data.common ? { scaleanchor: "x", scaleratio: 1 } : {};
  return [traces, {
    xaxis: axis(safe(data.outputs[dx]), { domain: [0, part], range: range(dx), constrain: "range" }),
    yaxis: axis(safe(data.outputs[dy]), Object.assign({ domain: [0, part], range: range(dy) }, same)),
    xaxis2: plain({ domain: [0.83, 1], range: [0, peak(dy)] }),
    yaxis2: plain({ domain: [0.83, 1], range: [0, peak(dx)] }),
  }];
}

function draw() {
  const mix = state.point !== null ? [[state.point, 1]] : space.locate(state.places);
  const [traces, layout] = D === 1 ? alongOne(mix) : inPlane(mix);
  const key = [state.row, state.x, state.y, state.along].join();
  Plotly.react(plot, traces, Object.assign(layout, layoutOf(), { uirevision: key }), BUTTONS);
  const known = state.point !== null && state.point < data.trained ? " (trained value)" : "";
  let said = `Outside the trained values: no answer. The nearest is ${
    lamOf(space.nearest(state.places))}.`;
  if (mix !== null) {
    said = (D === 1 ? [0] : [...new Set([state.x, state.y])]).map((d) => `${data.outputs[d]}: ${
      told(data, state, space.members(), draws(mix, d), (v) => outText(v, d))}`).join("; ") + ".";
  }
  at("value").textContent = lamText() + known;
  at("readout").textContent = said;
  at("readout").className = mix === null ? "outside" : "";
  plot.setAttribute("aria-label", `${lamText()}${known}. ${said}`);
}
const redraw = oncePerFrame(draw);

// ---------------------------------------------------------------- controls
const sliders = numbers.map((j, n) => {
  const name = data.hypers[j].name, [row, label, number, marks] = ["div", "span", "span", "div"]
    .map((tag) => document.createElement(tag));
  const slider = document.createElement("input");
  row.className = "slide named";
  label.textContent = label.title = name;
  number.className = "number";
  marks.className = "marks";
  Object.assign(slider, { type: "range", min: 0, max: STEPS, step: 1, id: `lam${n}` });
  slider.setAttribute("aria-label", name);
  slider.addEventListener("input", () => {
    state.places[n] = Number(slider.value) / STEPS;
    moved();
  });
  for (let p = 0; p < data.trained; p++) {
    const mark = document.createElement("i");
    mark.style.left = 100 * data.places[p][n] + "%";
    marks.append(mark);
  }
  row.append(label, slider, number, marks);
  at("sliders").append(row);
  return { slider, number };
});

function show() {  // what is chosen, on all controls
  const r = space.region();
  sliders.forEach(({ slider, number }, n) => {
    const shown = numberText(n, numberAt(n, state.places[n]));
    slider.value = Math.round(state.places[n] * STEPS);
    slider.disabled = r !== undefined && !r.free.includes(n);
    number.textContent = shown;
    slider.setAttribute("aria-valuetext", shown);
  });
  boxes.forEach((box, c) => { box.value = state.codes[c]; });
  known.value = state.point !== null && state.point < data.trained ? state.point : -1;
  redraw();
}

function moveTo(point) {  // a trained value
  state.point = point;
  state.places = [...data.places[point]];
  state.codes.splice(0, state.codes.length, ...data.codes[point]);
  const { free } = space.region();
  if (!free.includes(state.along)) [state.along] = free;
  show();
}

function moved() {  // a slider or a category: what is not free follows
  const r = space.region();
  if (r !== undefined) {
    state.places = space.follow(state.places, r);
    if (!r.free.includes(state.along)) [state.along] = r.free;
  }
  state.point = null;
  show();
}

const boxes = categories.map((j, c) => choose(state.codes, data.hypers[j].name, c,
  data.hypers[j].levels, [...data.hypers[j].levels.keys()], moved));
const known = choose(state, "Trained value", "point", ["–", ...points.map(lamOf)], [-1, ...points],
  () => {
    if (state.point < 0) state.point = null; else moveTo(state.point);
  });
if (numbers.length > 1) {
  choose(state, "Along", "along", numbers.map((j) => data.hypers[j].name), [...numbers.keys()],
    redraw);
}
if (N > 1) {
  choose(state, "Row", "row", ...rowChoices(data), redraw);
}
if (D > 2) {
  choose(state, "Across", "x", data.outputs, [...data.outputs.keys()], redraw);
  choose(state, "Up", "y", data.outputs, [...data.outputs.keys()], redraw);
}
at("title").textContent = data.title;
at("note").textContent = (data.draws ? "The same draws are followed along the hyperparameters. "
  : "Every row has one answer. ") + "Ticks below the sliders: trained values. Answers are " +
  `computed at ${data.shape[0]} values of lambda, and blended in between.` + rowNote(data);
whenSeenAnew(redraw);
moveTo(middle);
draw();
