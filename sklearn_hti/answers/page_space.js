// The draws of a page of several hyperparameters, under the chosen condition and place.
function makeSpace(data, state) {
  const [P, N, S, D] = data.shape, values = readValues(data), EDGE = -1e-7, quick = new Map();
  const numbers = [...data.hypers.keys()].filter((j) => data.hypers[j].levels === null);
  const categories = [...data.hypers.keys()].filter((j) => data.hypers[j].levels !== null);

  const region = () => data.regions.find((r) =>
    r.codes.every((code, c) => code === state.codes[c]));

  const follow = (places, r) => r.start.map((v, j) =>  // what is not free follows from the rest
    r.free.includes(j) ? places[j]
      : r.free.reduce((sum, i, k) => sum + places[i] * r.slopes[k][j], v));

  function weightsIn(corners, z, free) {  // barycentric, by elimination; null where flat
    const n = free.length, origin = data.places[corners[n]];
    const rows = free.map((j) => [
      ...corners.slice(0, n).map((c) => data.places[c][j] - origin[j]), z[j] - origin[j]]);
    for (let i = 0; i < n; i++) {
      let best = i;
      for (let m = i + 1; m < n; m++) if (Math.abs(rows[m][i]) > Math.abs(rows[best][i])) best = m;
      [rows[i], rows[best]] = [rows[best], rows[i]];
      if (Math.abs(rows[i][i]) < 1e-12) return null;
      for (let m = 0; m < n; m++) {
        if (m === i) continue;
        const f = rows[m][i] / rows[i][i];
        for (let c = i; c <= n; c++) rows[m][c] -= f * rows[i][c];
      }
    }
    const w = rows.map((row, i) => row[n] / row[i]);
    return [...w, 1 - w.reduce((a, b) => a + b, 0)];
  }

  function locate(places) {  // [[point, weight], ...] around a place; null outside
    const r = region();
    if (r === undefined) return null;
    r.boxes ??= r.simplices.map((corners) => r.free.map((j) => {
      const at = corners.map((c) => data.places[c][j]);
      return [Math.min(...at) + EDGE, Math.max(...at) - EDGE];
    }));
    let found = null, best = EDGE;
    r.simplices.forEach((corners, t) => {
      if (best > 0) return;
      if (!r.boxes[t].every(([low, high], i) => {
        const v = places[r.free[i]];
        return v >= low && v <= high;
      })) return;
      const w = weightsIn(corners, places, r.free);
      if (w !== null && Math.min(...w) >= best) {
        best = Math.min(...w);
        found = corners.map((c, i) => [c, Math.max(0, w[i])]).filter(([, v]) => v > 1e-12);
      }
    });
    return found;
  }

  function nearest(places) {  // the trained value with the same categories, or any
    const among = region()?.trained ?? [...data.trained.keys()];
    const far = (p) => numbers.reduce((sum, _, j) => sum + (data.places[p][j] - places[j]) ** 2, 0);
    return among.reduce((a, b) => (far(b) < far(a) ? b : a));
  }

  function kept(key, make) {
    key += "/" + state.row;
    if (!quick.has(key)) quick.set(key, make());
    return quick.get(key);
  }

  const members = () => kept("members", () =>
    pairs(state.row === ALL ? [...Array(N).keys()] : [state.row], S));

  const onPoint = (p, d) => members().map(([n, s]) => values[((p * N + n) * S + s) * D + d]);

  function draws(mix, d) {  // every draw is blended with itself at the corners
    const parts = mix.map(([p, w]) => [((p * N) * S) * D + d, w]);
    return members().map(([n, s]) => {
      const shift = (n * S + s) * D;
      let v = 0;
      for (const [begin, w] of parts) v += w * values[begin + shift];
      return v;
    });
  }

  const range = (d) => kept("range" + d, () => {
    let low = Infinity, high = -Infinity;
    for (let p = 0; p < P; p++) {
      for (const v of onPoint(p, d)) { low = Math.min(low, v); high = Math.max(high, v); }
    }
    return widened(low, high);
  });

  const histogram = (y, d) => shares(y, range(d));

  const peak = (d) => kept("peak" + d, () => {
    let most = 0;
    for (let p = 0; p < P; p++) most = Math.max(most, ...histogram(onPoint(p, d), d).shares);
    return 1.05 * most;
  });

  function along(n, steps) {  // places along number n through the chosen one, and their mixes
    const r = region();
    if (r === undefined || !r.free.includes(n)) return [];
    const even = [...Array(steps + 1).keys()].map((i) => i / steps);
    return [...even, state.places[n]].sort((a, b) => a - b).map((place) => {
      const moved = [...state.places];
      moved[n] = place;
      return [place, locate(follow(moved, r))];
    }).filter(([, mix]) => mix !== null);
  }

  return { numbers, categories, region, follow, locate, nearest, members, draws, onPoint, range,
    histogram, peak, along };
}
