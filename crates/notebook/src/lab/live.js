// Draws the curves of runs that are being trained: follows outputs/live/NAME.csv through the notebook's server.
// Without such a server it changes nothing, and what the cell has drawn stays.
(() => {
  const config = document.getElementById("jupyter-config-data");
  if (!config) return;
  const base = JSON.parse(config.textContent).baseUrl;
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#6e6e6e"];
  const WIDTH = 760, HEIGHT = 250, PANEL = { left: 46, width: 310, top: 26, height: 186 };
  // Files change every 0.4 s at most; where nothing has changed for a while nobody waits for the next look.
  const OFTEN = 500, SELDOM = 2000, STALE = 15;

  const number = (text) => (text === "" || text === undefined ? NaN : Number(text));
  const short = (value) => (value === 0 ? "0" : Math.abs(value) < 1e-3 ? value.toExponential(1) : String(+value.toPrecision(4)));
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  function duration(seconds) {
    const whole = Math.round(seconds);
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  }

  function parse(name, text, age) {
    const [header, ...lines] = text.trim().split("\n").map((line) => line.split(","));
    // A file without a row is that of a run which is awaited.
    if (!lines.length) return null;
    const rows = lines.map((cells) => Object.fromEntries(header.map((key, i) => [key, key === "state" ? cells[i] : number(cells[i])])));
    return { name, rows, last: rows[rows.length - 1], age };
  }

  async function read(folder, name) {
    const url = `${base}files/${folder}/${encodeURIComponent(name)}.csv?${Date.now()}`;
    const answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) return undefined;
    const changed = Date.parse(answer.headers.get("Last-Modified")), now = Date.parse(answer.headers.get("Date"));
    return parse(name, await answer.text(), Math.max(0, (now - changed) / 1000 || 0));
  }

  /// Round numbers that divide an axis into some five parts.
  function ticks(low, high) {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
    const found = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + 1e-9 * step; value += step) found.push(+value.toPrecision(12));
    return found;
  }

  function panel(runs, index, title, kinds, label) {
    const left = PANEL.left + index * (WIDTH / 2), { width, top, height } = PANEL, bottom = top + height;
    const epochs = Math.max(1, ...runs.map((run) => run.last.epochs));
    const values = runs.flatMap((run) => run.rows.flatMap((row) => kinds.map((kind) => row[kind]))).filter(Number.isFinite);
    let low = Math.min(...values), high = Math.max(...values);
    // A loss that runs away does not flatten the others.
    const starts = runs.map((run) => run.rows.map((row) => row.loss).find(Number.isFinite)).filter(Number.isFinite);
    if (index === 0 && high > 2 * Math.min(...starts)) [high, title] = [2 * Math.min(...starts), `${title} (cut off above)`];
    if (!values.length) [low, high] = [0, 1];
    if (high - low < 1e-6) [low, high] = [low - 0.05, high + 0.05];
    const pad = 0.05 * (high - low);
    [low, high] = [low - pad, high + pad];
    const x = (epoch) => left + (width * epoch) / epochs, y = (value) => bottom - (height * (Math.min(value, high) - low)) / (high - low);
    let svg = `<text x="${left}" y="14" font-weight="600">${title}</text>`;
    for (const tick of ticks(low, high)) {
      svg += `<line x1="${left}" x2="${left + width}" y1="${y(tick)}" y2="${y(tick)}" stroke="currentColor" stroke-opacity=".12"/>`;
      svg += `<text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end" opacity=".7">${label(tick)}</text>`;
    }
    for (const tick of ticks(0, epochs).filter(Number.isInteger))
      svg += `<text x="${x(tick)}" y="${bottom + 16}" text-anchor="middle" opacity=".7">${tick}</text>`;
    svg += `<text x="${left + width / 2}" y="${bottom + 33}" text-anchor="middle" opacity=".7">epoch</text>`;
    runs.forEach((run, i) => kinds.forEach((kind, k) => {
      const points = run.rows.filter((row) => Number.isFinite(row[kind])).map((row) => `${x(row.epoch).toFixed(1)},${y(row[kind]).toFixed(1)}`);
      if (!points.length) return;
      const colour = COLOURS[runs.length > 1 ? i % COLOURS.length : k], thin = runs.length > 1 && k === 0;
      svg += `<path d="M${points.join("L")}" fill="none" stroke="${colour}" stroke-width="${thin ? 1 : 2}" stroke-opacity="${thin ? 0.5 : 1}"/>`;
      const [cx, cy] = points[points.length - 1].split(",");
      svg += `<circle cx="${cx}" cy="${cy}" r="${thin ? 2 : 3}" fill="${colour}"/>`;
    }));
    return svg;
  }

  /// What is known of a run, in a line.
  function status(run) {
    const { last, rows, name, age } = run, parts = [];
    const best = rows.filter((row) => Number.isFinite(row.val_loss)).reduce((a, b) => (a && a.val_loss <= b.val_loss ? a : b), null);
    const ended = { finished: "finished", early: "stopped early", diverged: "diverged", interrupted: "interrupted", failed: "failed" }[last.state];
    if (ended) parts.push(`${ended} after ${short(last.epoch)} of ${last.epochs} epochs in ${duration(last.seconds)}`);
    else parts.push(`epoch ${last.epoch.toFixed(1)} of ${last.epochs}`);
    if (Number.isFinite(last.loss)) parts.push(`loss ${last.loss.toFixed(4)}`, `accuracy ${percent(last.accuracy)}`);
    if (best) parts.push(`best val_loss ${best.val_loss.toFixed(4)} in epoch ${best.epoch} (val_accuracy ${percent(best.val_accuracy)})`);
    if (!ended && last.epoch > 0) {
      const each = last.seconds / last.epoch;
      parts.push(`learning rate ${last.learning_rate.toExponential(2)}`, `${each.toPrecision(2)} s an epoch`);
      if (age > STALE) parts.push(`no news for ${duration(age)}: has the kernel been stopped? .resume() goes on from a checkpoint`);
      else parts.push(`at most ${duration(each * (last.epochs - last.epoch))} left`);
    }
    return `<b>${escape(name)}</b>: ${parts.join(" · ")}`;
  }

  function draw(root, names, runs) {
    const known = runs.filter(Boolean);
    const keys = known.length > 1 ? known.map((run) => run.name) : ["training", "validation"];
    const key = keys.map((name, i) => `<span style="white-space:nowrap"><span style="color:${COLOURS[i % COLOURS.length]}">━</span> ${escape(name)}</span>`);
    if (known.length > 1) key.push("bold: validation, thin: training");
    const lines = names.map((name, i) => {
      const run = runs[i], state = run ? run.last.state : "waiting";
      const text = run ? status(run) : `<b>${escape(name)}</b>: waiting for its training to begin`;
      return `<div class="lab-live-status" data-state="${state}" data-epoch="${run ? run.last.epoch : 0}">${text}</div>`;
    });
    const chart = known.length === 0 ? "" :
      `<div>${key.join(" &nbsp; ")}</div><svg class="lab-live-chart" role="img" aria-label="Loss and accuracy of ${escape(known.map((run) => run.name).join(", "))} so far"` +
      ` viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" style="max-width:100%;height:auto" font-size="12" fill="currentColor">` +
      panel(known, 0, "loss", ["loss", "val_loss"], short) +
      panel(known, 1, "accuracy", ["accuracy", "val_accuracy"], (share) => `${Math.round(1000 * share) / 10} %`) + "</svg>";
    root.innerHTML = `<div style="font-size:13px;line-height:1.5">${chart}${lines.join("")}</div>`;
  }

  /// Looks at the files for as long as the output exists, also while the notebook has scrolled it away.
  function follow(root) {
    const names = root.dataset.live.split(","), folder = root.dataset.folder, weak = new WeakRef(root);
    // What was last heard of each: null where the run is awaited, undefined where the server knows no such file.
    const last = names.map(() => undefined);
    let shown = "";
    async function look() {
      const root = weak.deref();
      if (!root) return;
      let wait = SELDOM;
      if (root.isConnected) {
        const heard = await Promise.all(names.map((name) => read(folder, name).catch(() => undefined)));
        const runs = heard.map((run, i) => (last[i] = run || last[i] || run));
        const seen = JSON.stringify(runs);
        const answered = runs.some((run) => run !== undefined);
        if (seen !== shown && answered) draw(root, names, runs);
        shown = seen;
        if (runs.some((run) => run?.last.state === "training" && run.age < STALE)) wait = OFTEN;
      }
      setTimeout(look, wait);
    }
    look();
  }

  for (const root of document.querySelectorAll("div.lab-live:not([data-followed])")) {
    root.dataset.followed = "";
    follow(root);
  }
})();
