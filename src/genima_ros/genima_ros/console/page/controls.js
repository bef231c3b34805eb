// SPDX-License-Identifier: Apache-2.0
// What a person asks for: stop, arm, task, episodes, failures. Every answer is shown.

import { element } from './views.js';

const SURE_MS = 3000; // time for the second press of a button that moves the arm or throws something away
const SHOW_MS = 6000;
const get = (id) => document.getElementById(id);
const isText = (target) => target instanceof HTMLElement && target.matches('input[type="text"], input[type="number"], textarea');

export class Controls {
  constructor(connection, say) {
    this.connection = connection;
    this.say = say;
    this.guard = null;
    this.available = {};
    this.deadman = false;
    this.held = false;
    this.listenStop();
    this.sure(get('arm'), 'Arm: the arm may move', () => this.command('arm', { page: connection.page }));
    get('disarm').onclick = () => this.command('disarm');
    get('reset').onclick = () => this.command('reset');
    get('watch').onclick = () => { connection.watch = connection.watch ? null : 'take'; };
    this.submit('task', () => this.command('instruction', { text: get('instruction').value }));
    this.submit('scene', () => this.command('scene', { seed: get('seed').valueAsNumber }));
    get('start').onclick = () => this.command('start', { instruction: get('instruction').value, seed: this.seed });
    get('success').onclick = () => this.command('end', { outcome: 'success' });
    get('failure').onclick = () => this.command('end', { outcome: 'failure', cause: get('episode-cause').value });
    this.sure(get('discard'), 'Discard: really?', () => this.command('end', { outcome: 'discard' }));
    this.submit('flag', () => this.flag());
  }

  build(hello) {
    const chosen = document.activeElement === get('instruction');
    if (!chosen) get('instruction').value = hello.instruction;
    get('episode-cause').replaceChildren(...hello.failure_causes.map((cause) => new Option(words(cause), cause)));
    const kept = this.cause;
    const chips = hello.flag_causes.map((cause) => {
      const label = element('label');
      const input = element('input');
      input.type = 'radio';
      input.name = 'cause';
      input.value = cause;
      input.checked = cause === kept;
      const text = element('span');
      text.textContent = words(cause);
      label.append(input, text);
      return label;
    });
    get('causes').replaceChildren(...chips);
    this.deadman = hello.deadman;
    get('watch').hidden = !hello.deadman;
  }

  get cause() { return document.querySelector('input[name="cause"]:checked')?.value || ''; }

  show(status) {
    this.available = status.available;
    this.seed = status.episode ? status.episode.seed : -1;
    const { guard } = status;
    const reachable = status.available.guard;
    const unwatched = this.deadman && !this.held;
    get('arm').disabled = !reachable || !guard || guard.armed || guard.state === 'stopped' || unwatched;
    get('arm').title = unwatched ? 'hold the watch first' : '';
    get('disarm').disabled = !reachable || !guard || !guard.armed;
    get('reset').disabled = !reachable || !guard || guard.armed;
    get('task').querySelector('button').disabled = !status.available.instruction;
    get('flag').querySelector('button').disabled = !status.available.failures;
    get('flag-state').textContent = status.available.failures ? '' : 'failure_node is not running: nothing can be flagged.';
  }

  showWatch(held, watchers) {
    this.held = Boolean(held);
    const button = get('watch');
    button.setAttribute('aria-pressed', String(Boolean(held)));
    button.textContent = held ? 'Watching: let go' : `Hold the watch${watchers ? ` (${watchers} do)` : ''}`;
  }

  async command(name, values) {
    const answer = await this.connection.command(name, values);
    this.say(`${name}${answer.ok ? '' : ' refused'}: ${answer.text}`, answer.ok ? 'good' : 'bad', SHOW_MS);
    return answer;
  }

  async stop() {
    const button = get('stop');
    button.classList.add('pressed');
    this.say('stopping …', 'warn', SHOW_MS);
    const answer = await this.connection.stop();
    button.classList.remove('pressed');
    this.say(answer.ok ? answer.text : `NOT STOPPED: ${answer.text}`, answer.ok ? 'good' : 'bad', SHOW_MS);
  }

  async flag() {
    if (!this.cause) { this.say('choose a cause first', 'warn', SHOW_MS); return; }
    const ago = get('ago').valueAsNumber;
    const answer = await this.command('flag', { cause: this.cause, note: get('note').value, seconds_ago: ago || 0 });
    if (answer.ok) { get('note').value = ''; document.querySelector('input[name="cause"]:checked').checked = false; }
  }

  listenStop() {
    get('stop').addEventListener('pointerdown', (event) => { if (event.button === 0) this.stop(); });
    get('stop').addEventListener('click', (event) => { if (event.detail === 0) this.stop(); }); // by Enter, not by pointer
    // the space bar stops wherever the focus is, except where somebody writes
    addEventListener('keydown', (event) => {
      if (event.code !== 'Space' || isText(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.stop();
    }, true);
    addEventListener('keyup', (event) => { if (event.code === 'Space' && !isText(event.target)) event.preventDefault(); }, true);
    addEventListener('focusin', (event) => { get('stop-hint').textContent = isText(event.target) ? 'Esc, then space bar' : 'space bar'; });
    addEventListener('keydown', (event) => { if (event.code === 'Escape' && isText(event.target)) event.target.blur(); });
    addEventListener('focusout', () => { get('stop-hint').textContent = 'space bar'; });
  }

  // A button that wants to be pressed twice.
  sure(button, question, action) {
    const label = button.textContent;
    let timer = null;
    const calm = () => { clearTimeout(timer); timer = null; button.textContent = label; button.classList.remove('sure'); };
    button.onclick = () => {
      if (timer) { calm(); action(); return; }
      button.textContent = question;
      button.classList.add('sure');
      timer = setTimeout(calm, SURE_MS);
    };
  }

  submit(id, action) {
    get(id).onsubmit = (event) => { event.preventDefault(); document.activeElement.blur(); action(); };
  }
}

const words = (cause) => cause.replaceAll('_', ' ');
