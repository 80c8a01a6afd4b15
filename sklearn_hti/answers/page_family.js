// The draws of the page under the chosen condition and lambda, and figures of them.
function makeFamily(data, state) {
  const [L, N, S, D] = data.shape, values = readValues(data);
  const quick = new Map();  // what does not change with lambda

  const warp = data.log ? Math.log : (v) => v;
  const first = warp(data.lam[0]), reach = warp(data.lam[L - 1]) - first;
  const share = (lam) => (warp(lam) - first) / reach;

  function lamAt(position, steps) {  // of the slider; anchors are met exactly
    const near = data.anchors.find((a) => Math.abs(share(a) * steps - position) <= 0.5);
    if (near !== undefined) return near;
    const u = first + reach * position / steps;
    return data.log ? Math.exp(u) : u;
  }

  function kept(key, make) {
    key += "/" + state.row;
    if (!quick.has(key)) quick.set(key, make());
    return quick.get(key);
  }

  const members = () => kept("members", () =>
    pairs(state.row === ALL ? [...Array(N).keys()] : [state.row], S));

  function onGrid(l, d) {
    return members().map(([n, s]) => values[((l * N + n) * S + s) * D + d]);
  }

  function draws(d) {  // between two lambdas of the grid, every draw moves straight
    let l = data.lam.findIndex((v) => v >= state.lam);
    if (l < 0) l = L - 1;
    const here = onGrid(l, d);
    if (l === 0 || data.lam[l] === state.lam) return here;
    const low = warp(data.lam[l - 1]), high = warp(data.lam[l]);
    const f = (warp(state.lam) - low) / (high - low);
    return onGrid(l - 1, d).map((v, i) => (1 - f) * v + f * here[i]);
  }

  const range = (d) => kept("range" + d, () => {
    let low = Infinity, high = -Infinity;
    for (let l = 0; l < L; l++) {
      for (const v of onGrid(l, d)) { low = Math.min(low, v); high = Math.max(high, v); }
    }
    return widened(low, high);
  });

  const bands = (d) => kept("bands" + d, () => {
    const all = [...Array(L).keys()].map((l) =>
      quantiles(onGrid(l, d), [0.05, 0.25, 0.5, 0.75, 0.95]));
    return [0, 1, 2, 3, 4].map((q) => all.map((row) => row[q]));
  });

  const histogram = (y, d) => shares(y, range(d));

  const atAnchor = (lam, d) => onGrid(data.lam.indexOf(lam), d);

  const peak = (d) => kept("peak" + d, () => {
    let most = 0;
    for (let l = 0; l < L; l++) {
      most = Math.max(most, ...histogram(onGrid(l, d), d).shares);
    }
    return 1.05 * most;
  });

  const trails = () => kept(`trails${state.x},${state.y}`, () => {
    const n = members().length, every = Math.max(1, Math.floor(n / TRAILS));
    const x = [], y = [], alongX = [], alongY = [];
    for (let l = 0; l < L; l++) {
      alongX.push(onGrid(l, state.x));
      alongY.push(onGrid(l, state.y));
    }
    for (let i = 0; i < n; i += every) {
      for (let l = 0; l < L; l++) { x.push(alongX[l][i]); y.push(alongY[l][i]); }
      x.push(null); y.push(null);
    }
    return { x, y };
  });

  return { share, lamAt, members, draws, onGrid, atAnchor, range, bands, histogram, peak, trails };
}
