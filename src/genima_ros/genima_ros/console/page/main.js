// SPDX-License-Identifier: Apache-2.0
// Brings the parts of the page together.

import { Connection } from './connection.js';
import { Controls } from './controls.js';
import { Panels } from './panels.js';
import { Plots } from './plots.js';
import { Views } from './views.js';

const OLD_MS = 1000; // the node tells its status ten times a second
const get = (id) => document.getElementById(id);
const views = new Views(get('views'), () => look());
const plots = new Plots(get('joints'));
const panels = new Panels();
let shown = [];
let logCount = -1;
let statusMs = performance.now();
let silentMs = 0;
let watchers = 0;
let note = null; // the last answer: text, kind, until

function say(text, kind, forMs) {
  note = { text, kind, untilMs: performance.now() + forMs };
  showBanner();
}

function showBanner() {
  const nowMs = performance.now();
  if (note && nowMs > note.untilMs) note = null;
  const oldMs = nowMs - statusMs;
  const lost = silentMs > 0;
  const old = !lost && oldMs > OLD_MS;
  document.body.classList.toggle('lost', lost);
  document.body.classList.toggle('old', old);
  let alarm = '';
  const why = connection.refusal ? ` (${connection.refusal})` : '';
  if (lost) alarm = `Connection lost ${(silentMs / 1000).toFixed(1)} s ago${why}: what you see is old.`;
  else if (old) alarm = `The console has said nothing for ${(oldMs / 1000).toFixed(1)} s: what you see is old.`;
  const text = [alarm, note ? note.text : ''].filter(Boolean).join(' ');
  const banner = get('banner');
  banner.hidden = !text;
  banner.className = `banner ${alarm ? 'bad' : note ? note.kind : ''}`;
  if (banner.textContent !== text) banner.textContent = text;
}

function look() { connection.look(document.visibilityState === 'visible' ? shown : [], views.widthPx); }

const connection = new Connection({
  hello(hello) {
    get('robot').textContent = hello.robot;
    document.title = `${hello.robot} · GENIMA console`;
    shown = views.build(hello.cameras, hello.targets);
    plots.build(hello);
    panels.armingOffsetS = hello.arming_offset_s;
    controls.build(hello);
    logCount = -1;
    look();
  },
  status(status) {
    statusMs = performance.now();
    watchers = status.watchers;
    if (document.visibilityState === 'visible') { views.show(status); plots.show(status); }
    panels.show(status);
    controls.show(status);
    if (status.log !== logCount) {
      logCount = status.log;
      connection.log().then((entries) => panels.log(entries)).catch(() => { logCount = -1; });
    }
  },
  pictures: (pictures) => views.draw(pictures),
  beat(roundTripMs, held) {
    get('link').textContent = `${roundTripMs.toFixed(0)} ms`;
    controls.showWatch(held, watchers);
  },
  lost(ms) {
    silentMs = ms;
    if (ms) { get('link').textContent = 'lost'; controls.showWatch(false, 0); }
    showBanner();
  },
});
const controls = new Controls(connection, say);

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') connection.watch = null; // who does not see does not watch
  look();
});
