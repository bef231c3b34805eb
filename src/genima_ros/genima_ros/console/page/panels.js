// SPDX-License-Identifier: Apache-2.0
// What the graph says, in words and tables.

import { element } from './views.js';

const SILENT_S = 1; // the guard speaks ten times a second
const get = (id) => document.getElementById(id);

export class Panels {
  constructor() {
    this.texts = new Map();
    this.armingOffsetS = Infinity;
  }

  // Writes into the page only what has changed, so that a selection or a screen reader is not disturbed.
  text(id, text) {
    if (this.texts.get(id) === text) return;
    this.texts.set(id, text);
    get(id).textContent = text;
  }

  list(id, lines, bad = () => false) {
    const key = JSON.stringify(lines);
    if (this.texts.get(id) === key) return;
    this.texts.set(id, key);
    get(id).replaceChildren(...lines.map((line) => {
      const item = element('li', bad(line) ? 'bad' : '');
      item.textContent = line.text || line;
      return item;
    }));
  }

  show(status) {
    this.guard(status);
    this.streams(status);
    this.stages(status);
    this.task(status);
    this.recorder(status);
    this.checks(status);
  }

  guard(status) {
    const { guard } = status;
    const silentS = guard ? status.ros_s - guard.stamp_s : 0;
    const silent = !guard || silentS > SILENT_S;
    const state = silent ? (guard ? 'silent' : 'waiting') : guard.state;
    get('state').className = `state ${state}`;
    this.text('state', state);
    let reasons = guard ? distinct([...guard.holds, ...guard.reasons]) : ['no guard yet: is guard_node running?'];
    if (guard && silent) reasons = [`nothing from the guard for ${silentS.toFixed(0)} s`];
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
    this.text('why', reasons.length ? reasons[0] + more : '');
    this.list('reasons', reasons);
    if (!guard) return;
    this.clock(guard.clock_ahead_s);
    const counts = Object.entries(guard.violations).map(([kind, count]) => `${kind} ${count}`).join(', ');
    this.text('violations', `${guard.chunks} chunks used; refused or limited: ${counts || 'none'}`);
    this.bars(guard.limits);
    const check = status.target_check;
    if (!check) { this.text('target-check', ''); return; }
    const far = check.distance_m === null ? 'not located' : `${(1000 * check.distance_m).toFixed(0)} mm apart`;
    this.text('target-check', `target and chunk: ${far}${check.agrees ? '' : `, ${check.reason}`}`);
  }

  clock(aheadS) {
    const known = aheadS !== null;
    const side = aheadS < 0 ? 'behind' : 'ahead of';
    this.text('clock', known ? `clock of the guard: ${Math.abs(1000 * aheadS).toFixed(1)} ms ${side} the robot's` : '');
    get('clock').className = known && Math.abs(aheadS) > this.armingOffsetS ? 'bad' : 'quiet';
  }

  bars(limits) {
    const parts = Object.entries(limits).flatMap(([name, share]) => {
      const label = element('span', 'quiet');
      label.textContent = name;
      const bar = element('i', share > 0.98 ? 'high' : '');
      bar.style.setProperty('--share', `${Math.min(100, 100 * share)}%`);
      const figure = element('span');
      figure.textContent = `${(100 * share).toFixed(0)} %`;
      return [label, bar, figure];
    });
    get('limits').replaceChildren(...parts);
  }

  streams(status) {
    const rows = Object.entries(status.streams).sort().map(([name, stream]) => {
      const old = stream.age_ms !== null && stream.age_ms > 1000;
      return [[name], [stream.hz.toFixed(1)], [round(stream.age_ms), old ? 'bad' : ''], [round(stream.p50_ms)], [round(stream.p99_ms)]];
    });
    fill(get('streams'), rows);
  }

  stages(status) {
    const rows = Object.entries(status.stages).sort();
    fill(get('stages'), rows.map(([name, stage]) => [[name], [round(stage.p50_ms, 1)], [round(stage.p99_ms, 1)]]));
  }

  task(status) {
    get('simulation').hidden = !status.available.simulation;
    const { episode } = status;
    if (!episode) return;
    const end = episode.success ? 'done' : episode.done ? 'out of time' : 'running';
    this.text('scene-state', `seed ${episode.seed}, ${episode.elapsed_s.toFixed(1)} s, ${end}`);
  }

  recorder(status) {
    const { recorder } = status;
    get('recorder').hidden = !status.available.recorder;
    if (!recorder) return;
    const size = `${(1e-6 * recorder.size_bytes).toFixed(0)} MB`;
    const lost = recorder.dropped ? `, ${recorder.dropped} messages lost` : '';
    const running = recorder.state === 'recording';
    const about = running ? `${recorder.episode}, ${recorder.elapsed_s.toFixed(0)} s, ${size}${lost}` : recorder.episode;
    this.text('recorder-state', `${recorder.state} ${about}`);
    this.list('recorder-warnings', recorder.warnings);
    get('start').disabled = recorder.state !== 'idle';
    for (const id of ['success', 'failure', 'discard', 'episode-cause']) get(id).disabled = !running;
  }

  checks(status) {
    get('checks').hidden = !status.checks.length;
    const lines = status.checks.map((check) => {
      const figures = [
        check.projection_error_px === null ? '' : `${check.projection_error_px.toFixed(1)} px projection`,
        check.drift_px === null ? '' : `${check.drift_px.toFixed(1)} px drift`,
        check.calibration_age_days === null ? '' : `calibrated ${check.calibration_age_days.toFixed(0)} days ago`,
      ].filter(Boolean);
      return { text: `${check.camera}: ${[...figures, ...check.problems].join('; ') || 'ok'}`, ok: check.ok };
    });
    this.list('check-list', lines, (line) => !line.ok);
  }

  log(entries) {
    get('log').replaceChildren(...entries.map((entry) => {
      const item = element('li', `${entry.kind} ${entry.ok ? '' : 'bad'}`);
      const time = element('time');
      time.textContent = new Date(1000 * entry.time_s).toLocaleTimeString([], { hour12: false });
      const text = element('span');
      text.textContent = entry.text;
      item.append(time, text);
      return item;
    }));
  }
}

// Sentences that differ in their figures only are one: the first.
function distinct(texts) {
  const kinds = texts.map((text) => text.replace(/[\d.]+/g, '#'));
  return texts.filter((_, i) => kinds.indexOf(kinds[i]) === i);
}

function fill(table, rows) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  while (body.rows.length < rows.length) body.insertRow();
  rows.forEach((cells, i) => {
    const row = body.rows[i];
    while (row.cells.length < cells.length) row.insertCell();
    cells.forEach(([text, className = ''], j) => {
      const cell = row.cells[j];
      if (cell.textContent !== text) cell.textContent = text;
      if (cell.className !== className) cell.className = className;
    });
  });
}

const round = (value, digits = 0) => (value === null ? '–' : value.toFixed(digits));
