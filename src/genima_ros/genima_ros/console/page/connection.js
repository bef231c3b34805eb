// SPDX-License-Identifier: Apache-2.0
// The way to the console: one websocket that is opened again and again, a heartbeat over it, and commands by POST.

const BEAT_MS = 100;
const LOST_MS = 700; // silence after which the page says so
const GIVE_UP_MS = 2500; // silence after which another connection is tried
const RETRY_MS = 500;
const PATIENCE_MS = 12000; // for the answer to a command

export class Connection {
  // `on` has hello, status, pictures (returns a promise), beat and lost(ms, or 0 when all is well).
  constructor(on) {
    this.on = on;
    this.base = new URL('.', location.href);
    this.watch = null; // null, 'take' or 'keep'
    this.page = ''; // by which the console knows the commands of this page
    this.heard = null; // the last beat that came back: a beat that knows of none is not fresh
    this.refusal = ''; // why the console ended the connection, if it said so
    this.looked = { look: [] };
    this.beats = new Map();
    this.number = 0;
    this.status = 0;
    this.waiting = new Map(); // stops without an answer
    this.heardMs = performance.now();
    this.open();
    setInterval(() => this.beat(), BEAT_MS);
  }

  open() {
    const address = new URL('stream', this.base);
    address.protocol = address.protocol.replace('http', 'ws');
    if (this.page) address.searchParams.set('page', this.page); // who held the watch finds a place again
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => { this.openedMs = performance.now(); this.send(this.looked); };
    socket.onmessage = (event) => this.receive(socket, event.data);
    socket.onclose = (event) => {
      if (socket !== this.socket) return;
      this.socket = null;
      this.heard = null;
      this.refusal = event.reason;
      this.watch = null; // whoever held the watch has to take it anew
      setTimeout(() => { if (!this.socket) this.open(); }, RETRY_MS);
    };
    this.socket = socket;
    this.triedMs = performance.now();
  }

  get ready() { return this.socket !== null && this.socket.readyState === WebSocket.OPEN; }

  send(message) { if (this.ready) this.socket.send(JSON.stringify(message)); }

  // Which views are shown, and how wide, in pixels of the screen: the console sends none over twice as wide.
  look(views, widthPx) {
    const looked = { look: views, width: widthPx };
    if (JSON.stringify(looked) === JSON.stringify(this.looked)) return;
    this.looked = looked;
    this.send(looked);
  }

  receive(socket, data) {
    if (socket !== this.socket) return;
    this.heardMs = performance.now();
    if (typeof data !== 'string') { this.receivePictures(data); return; }
    const message = JSON.parse(data);
    if (message.hello) {
      this.page = message.hello.page;
      this.refusal = '';
      this.on.hello(message.hello);
    }
    if (message.status) { this.status = message.status.number; this.on.status(message.status); }
    if (message.beat !== undefined) this.receiveBeat(message);
    if (message.answer) {
      const settle = this.waiting.get(message.answer.to);
      this.waiting.delete(message.answer.to);
      if (settle) settle(message.answer);
    }
  }

  receiveBeat(message) {
    const sentMs = this.beats.get(message.beat);
    this.beats.clear();
    this.heard = message.beat;
    if (this.watch === 'take') this.watch = message.watch ? 'keep' : this.watch;
    else if (this.watch === 'keep' && !message.watch) this.watch = null;
    if (sentMs !== undefined) this.on.beat(performance.now() - sentMs, message.watch);
  }

  async receivePictures(data) {
    const bytes = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, bytes)));
    let offset = 4 + bytes;
    for (const picture of header.pictures) {
      picture.blob = new Blob([new Uint8Array(data, offset, picture.bytes)], { type: 'image/jpeg' });
      offset += picture.bytes;
    }
    try {
      await this.on.pictures(header.pictures);
    } finally {
      this.send({ seen: header.bundle }); // the console sends no more until these are drawn
    }
  }

  beat() {
    const nowMs = performance.now();
    this.number += 1;
    if (this.ready) {
      this.beats.set(this.number, nowMs);
      this.send({ beat: this.number, watch: this.watch, status: this.status, heard: this.heard });
    }
    const silentMs = nowMs - this.heardMs;
    this.on.lost(silentMs > LOST_MS ? silentMs : 0);
    if (silentMs > LOST_MS) this.watch = null;
    if (silentMs > GIVE_UP_MS && nowMs - this.triedMs > GIVE_UP_MS && this.socket) {
      const old = this.socket;
      this.socket = null;
      this.heard = null;
      old.close();
      this.open();
    }
  }

  async command(name, values = {}) {
    try {
      const response = await fetch(new URL(`command/${name}`, this.base), {
        method: 'POST', body: JSON.stringify(values), headers: { 'Content-Type': 'application/json' },
        signal: AbortSignal.timeout(PATIENCE_MS), keepalive: true,
      });
      const type = response.headers.get('Content-Type') || '';
      return type.startsWith('application/json') ? await response.json() : { ok: false, text: await response.text() };
    } catch (error) {
      return { ok: false, text: `the console does not answer (${error.message})` };
    }
  }

  // A stop goes both ways at once; the first good answer counts, and a bad one only when both are bad.
  async stop() {
    const ways = [this.command('stop')];
    if (this.ready) {
      this.number += 1;
      const number = this.number;
      ways.push(new Promise((settle) => {
        this.waiting.set(number, settle);
        setTimeout(() => settle({ ok: false, text: 'no answer over the websocket' }), PATIENCE_MS);
      }));
      this.send({ stop: number });
    }
    const good = ways.map((way) => way.then((answer) => (answer.ok ? answer : Promise.reject(answer))));
    return Promise.any(good).catch((failed) => failed.errors[0]);
  }

  async log() {
    const response = await fetch(new URL('log', this.base), { signal: AbortSignal.timeout(PATIENCE_MS) });
    return response.ok ? response.json() : [];
  }
}
