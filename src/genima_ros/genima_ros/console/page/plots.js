// SPDX-License-Identifier: Apache-2.0
// One small plot per joint: where it was, where the chunk takes it, and its limits.

import { element } from './views.js';

const PAST_S = 8;
const AHEAD_S = 2;

export class Plots {
  constructor(root) {
    this.root = root;
    this.plots = [];
    this.times = [];
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.colors = null; });
  }

  build(hello) {
    const names = [...hello.joints, 'gripper'];
    this.plots = names.map((name, index) => {
      const lower = index < hello.joints.length ? hello.lower_rad[index] : 0;
      const upper = index < hello.joints.length ? hello.upper_rad[index] : 1;
      const box = element('div', 'plot');
      const line = element('div');
      const label = element('span');
      label.textContent = index < hello.joints.length ? name : 'gripper, 1 is open';
      const value = element('span', 'quiet');
      line.append(label, value);
      const canvas = element('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', `plot of ${name}`);
      box.append(line, canvas);
      return { box, value, canvas, lower, upper, states: [] };
    });
    this.times = [];
    this.root.replaceChildren(...this.plots.map((plot) => plot.box));
  }

  show(status) {
    const { joints } = status;
    const newest = this.times[this.times.length - 1];
    if (joints && newest !== undefined && joints.stamp_s < newest) { // another clock, another history
      this.times = [];
      this.plots.forEach((plot) => { plot.states = []; });
    }
    if (joints && joints.stamp_s !== this.times[this.times.length - 1]) {
      this.times.push(joints.stamp_s);
      this.plots.forEach((plot, i) => plot.states.push(i < joints.q_rad.length ? joints.q_rad[i] : joints.gripper_open));
      while (this.times[0] < joints.stamp_s - PAST_S) {
        this.times.shift();
        this.plots.forEach((plot) => plot.states.shift());
      }
    }
    this.colors ||= readColors();
    const chunk = status.chunk && status.ros_s - status.chunk.stamp_s < AHEAD_S ? status.chunk : null;
    this.plots.forEach((plot, i) => {
      const wanted = chunk && (i < this.plots.length - 1 ? chunk.q_rad.map((q) => q[i]) : chunk.gripper_open);
      const value = plot.states[plot.states.length - 1];
      plot.value.textContent = joints && value !== undefined ? value.toFixed(3) : '–';
      draw(plot, this.times, status.ros_s, wanted, chunk, this.colors);
    });
  }
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  return { state: color('--ink'), chunk: color('--accent'), limit: color('--bad'), now: color('--line') };
}

function draw(plot, times, nowS, wanted, chunk, colors) {
  const { canvas } = plot;
  const scale = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  const span = plot.upper - plot.lower;
  const x = (time) => ((time - nowS + PAST_S) / (PAST_S + AHEAD_S)) * width;
  const y = (value) => height * (0.92 - (0.84 * (value - plot.lower)) / span);
  const line = (points, color, dash) => {
    context.beginPath();
    points.forEach(([time, value], i) => (i ? context.lineTo(x(time), y(value)) : context.moveTo(x(time), y(value))));
    context.strokeStyle = color;
    context.lineWidth = 1.5 * scale;
    context.setLineDash(dash.map((length) => length * scale));
    context.stroke();
  };
  line([[nowS, plot.lower - span], [nowS, plot.upper + span]], colors.now, []);
  for (const limit of [plot.lower, plot.upper]) line([[nowS - PAST_S, limit], [nowS + AHEAD_S, limit]], colors.limit, [1, 3]);
  line(times.map((time, i) => [time, plot.states[i]]), colors.state, []);
  if (wanted) line(wanted.map((value, i) => [chunk.stamp_s + (i + 1) * chunk.dt_s, value]), colors.chunk, [4, 2]);
}
