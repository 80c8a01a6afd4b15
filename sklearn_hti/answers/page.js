(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [L, N, , D] = data.shape;
  const plot = at("plot"), slider = at("lam"), play = at("play");
  const state = { lam: data.lam[0], row: 0, x: 0, y: D > 1 ? 1 : 0 };
  const { share, lamAt, members, draws, onGrid, atAnchor, range, bands, histogram, peak, trails } =
    makeFamily(data, state);
  const steps = Number(slider.max);
  const lamDigits = digits(data.lam[0], data.lam[L - 1]);
  const lamText = (v) => text(v, lamDigits);
  const outText = (v, d) => text(v, digits(...range(d)));
  const format = (name, d) => `%{${name}:.${digits(...range(d))}~g}`;

  // ---------------------------------------------------------------- pictures
  const ridge = (y, d, axes, style) => outline(histogram(y, d), axes, style);
  const filled = (d, axes) => ridge(draws(d), d, axes, fill(axes));

  const kind = () => kindOf(data, state, members());
  const beside = () => !narrow() && kind() !== null;  // histograms beside the picture

  function moving() {  // the traces that change with lambda
    if (D === 1) {
      const cursor = { x: [state.lam, state.lam], y: range(0), mode: "lines", showlegend: false,
        hoverinfo: "skip", line: { color: look().cursor, width: 2 } };
      return beside() ? [cursor, filled(0, SIDE)] : [cursor];
    }
    const color = state.row === ALL && N <= COLORS.length
      ? members().map(([n]) => COLORS[n]) : COLORS[Math.max(0, state.row) % COLORS.length];
    const dots = { x: draws(state.x), y: draws(state.y), mode: "markers", showlegend: true,
      name: `${kind() ?? "answer"} at the slider`,
      marker: { color, size: 7, opacity: 0.8, line: { color: look().paper, width: 0.5 } },
      hovertemplate: `(${format("x", state.x)}, ${format("y", state.y)})<extra></extra>` };
    return beside() ? [dots, filled(state.x, TOP), filled(state.y, SIDE)] : [dots];
  }

  const shade = (k) => {  // anchors from light to dark
    const [first, last] = look().greys, part = k / Math.max(1, data.anchors.length - 1);
    const level = Math.round(first + (last - first) * part);
    return `rgb(${level},${level},${level})`;
  };

  function alongRow() {  // quantiles of the draws of one row, or its one answer
    const q = bands(0), drawn = kind() !== null;
    const at = data.anchors.map((a) => data.lam.indexOf(a));
    return [
      ...(drawn ? [
        ...band(data.lam, q[0], q[4], "rgba(31,119,180,0.18)", "90 % of draws"),
        ...band(data.lam, q[1], q[3], "rgba(31,119,180,0.3)", "50 % of draws")] : []),
      { x: data.lam, y: q[2], mode: "lines", line: { color: look().main, width: 2 },
        name: drawn ? "median of draws" : "answer", showlegend: true,
        hovertemplate: `${safe(data.lam_name)} = %{x:.${lamDigits}~g}: ${format("y", 0)}<extra></extra>` },
      { x: data.anchors, y: at.map((l) => q[2][l]), mode: "markers", name: "trained value",
        hoverinfo: "skip", showlegend: true,
        marker: { color: look().main, size: 8, line: { color: look().ink, width: 1 } } }];
  }

  function alongLambda() {  // D = 1: outputs along lambda, with a histogram beside them
    const traces = state.row === ALL
      ? [linesOfRows(data.lam, data.lam.map((_, l) => rowMeans(members(), onGrid(l, 0))))]
      : alongRow();
    if (beside()) {
      traces.push(...data.anchors.map((a, k) =>
        ridge(atAnchor(a, 0), 0, SIDE, { color: shade(k) })));
    }
    return [traces, {
      xaxis: axis(safe(data.lam_name), { domain: [0, beside() ? 0.66 : 1], type: data.log ? "log" : "linear",
        range: [data.lam[0], data.lam[L - 1]].map((v) => data.log ? Math.log10(v) : v) }),
      xaxis2: axis(`share of ${kind()}`, { domain: [0.7, 1], tickformat: ".0%",
        range: [0, peak(0)], fixedrange: true }),
      yaxis: axis(safe(data.outputs[0]), { range: range(0) }),
      shapes: data.anchors.map((a) => ({ type: "line", xref: "x", yref: "paper", x0: a, x1: a,
        y0: 0, y1: 1, layer: "below", line: { color: look().grid, width: 1 } })),
    }];
  }

  function inPlane() {  // D > 1: the plane of two outputs, and the histogram of either
    const { x: dx, y: dy } = state;
    const ghosts = data.anchors.map((a, k) => ({
      x: atAnchor(a, dx), y: atAnchor(a, dy), mode: "markers", hoverinfo: "skip", name: `${safe(data.lam_name)} = ${lamText(a)}`,
      marker: { color: shade(k), size: 5, opacity: 0.55 },
      showlegend: data.anchors.length <= 4 || k === 0 || k === data.anchors.length - 1 }));
    const traces = [
      Object.assign({ mode: "lines", hoverinfo: "skip", showlegend: true,
        name: `along ${safe(data.lam_name)}`, line: { color: look().faint, width: 1 } },
      trails()),
      ...ghosts];
    const part = beside() ? 0.8 : 1, same = data.common ? { scaleanchor: "x", scaleratio: 1 } : {};
    return [traces, {
      xaxis: axis(safe(data.outputs[dx]), { domain: [0, part], range: range(dx), constrain: "range" }),
      yaxis: axis(safe(data.outputs[dy]), Object.assign({ domain: [0, part], range: range(dy) }, same)),
      xaxis2: plain({ domain: [0.83, 1], range: [0, peak(dy)] }),
      yaxis2: plain({ domain: [0.83, 1], range: [0, peak(dx)] }),
    }];
  }

  let drawn = null, n_still = 0;  // what is drawn but for lambda, and by how many traces

  function draw() {
    const key = [state.row, state.x, state.y, narrow(), NIGHT?.matches].join(), traces = moving();
    if (key === drawn) {
      Plotly.animate(plot, { data: traces, traces: traces.map((_, i) => n_still + i) },
        { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } })
        .catch(() => {});  // a later frame took the place of this one
      describe();
      return;
    }
    const [still, layout] = D === 1 ? alongLambda() : inPlane();
    drawn = key;
    n_still = still.length;
    Plotly.react(plot, [...still, ...traces], Object.assign(layout, layoutOf(), { uirevision: key }),
      BUTTONS);
    describe();
  }

  function describe() {
    const lam = `${data.lam_name} = ${lamText(state.lam)}`;
    const anchor = data.anchors.includes(state.lam) ? " (trained value)" : "";
    const shown = D === 1 ? [0] : [...new Set([state.x, state.y])];
    const parts = shown.map((d) => `${data.outputs[d]}: ${
      told(data, state, members(), draws(d), (v) => outText(v, d))}`);
    at("value").textContent = lam + anchor;
    at("readout").textContent = parts.join("; ") + ".";
    slider.setAttribute("aria-valuetext", lam + anchor);
    plot.setAttribute("aria-label", `${lam}. ${parts.join("; ")}.`);
  }

  // ---------------------------------------------------------------- controls
  const redraw = oncePerFrame(draw);

  function go(lam) {
    state.lam = lam;
    slider.value = Math.round(share(lam) * steps);
    redraw();
  }

  let playing = null;
  function stop() {
    cancelAnimationFrame(playing);
    playing = null;
    play.textContent = "Play";
  }
  function run() {
    const from = share(state.lam) >= 1 ? 0 : share(state.lam), begin = performance.now();
    const tick = (now) => {
      const s = Math.min(1, from + Math.max(0, now - begin) / 6000);
      go(lamAt(s * steps, steps));
      if (s < 1) playing = requestAnimationFrame(tick); else stop();
    };
    play.textContent = "Pause";
    playing = requestAnimationFrame(tick);
  }

  at("title").textContent = data.title;
  at("note").textContent = `Ticks: trained values of ${data.lam_name}. ` +
    (data.draws ? "The same draws are followed along it. " : "Every row has one answer. ") +
    "The arrow keys move the slider." + rowNote(data);
  slider.setAttribute("aria-label", data.lam_name);
  slider.addEventListener("input", () => {
    if (playing !== null) stop();
    state.lam = lamAt(Number(slider.value), steps);
    redraw();
  });
  play.addEventListener("click", () => (playing === null ? run() : stop()));
  if (N > 1) {
    choose(state, "Row", "row", ...rowChoices(data), redraw);
  }
  if (D > 2) {
    choose(state, "Across", "x", data.outputs, [...data.outputs.keys()], redraw);
    choose(state, "Up", "y", data.outputs, [...data.outputs.keys()], redraw);
  }
  const ticks = data.anchors.map((a) => {
    const tick = document.createElement("button");
    tick.type = "button";
    tick.style.left = 100 * share(a) + "%";
    tick.setAttribute("aria-label", `Trained value ${data.lam_name} = ${lamText(a)}`);
    tick.addEventListener("click", () => { if (playing !== null) stop(); go(a); });
    at("ticks").append(tick);
    return tick;
  });
  function nameTicks() {  // those whose names do not meet the one before, in pixels
    const width = at("ticks").clientWidth || 600, size = (a) => 8 * lamText(a).length + 10;
    let end = -Infinity;
    data.anchors.forEach((a, k) => {
      const center = share(a) * width, half = size(a) / 2, named = center - half >= end;
      ticks[k].textContent = named ? lamText(a) : " ";
      if (named) end = center + half;
    });
  }
  whenSeenAnew(() => { nameTicks(); redraw(); });
  nameTicks();
  draw();
})();
