// SPDX-License-Identifier: Apache-2.0
// Camera views: the picture, the spheres over it as vectors, and the painted target beside it.

const SVG = 'http://www.w3.org/2000/svg';
const RATE_MS = 2000;

export class Views {
  // `resized` is called when pictures are shown larger or smaller than before.
  constructor(root, resized) {
    this.root = root;
    this.sizes = new ResizeObserver(resized);
    this.views = new Map();
    this.cards = new Map();
  }

  build(cameras, targets) {
    this.root.replaceChildren();
    this.sizes.disconnect();
    this.views.clear();
    this.cards.clear();
    for (const camera of cameras) {
      const card = element('figure', 'card view');
      const caption = element('figcaption');
      const name = element('b');
      name.textContent = camera;
      const rate = element('span', 'quiet');
      caption.append(name, rate);
      const pair = element('div', 'pair');
      const picture = this.picture(pair, `camera/${camera}`, 'camera');
      if (targets.includes(camera)) this.picture(pair, `target/${camera}`, 'target');
      card.append(caption, pair);
      this.root.append(card);
      const overlay = document.createElementNS(SVG, 'svg');
      picture.box.append(overlay);
      this.cards.set(camera, { rate, overlay, picture });
    }
    return [...this.views.keys()];
  }

  picture(pair, name, label) {
    const box = element('div', 'picture');
    box.dataset.label = label;
    const canvas = element('canvas');
    canvas.dataset.view = name;
    box.append(canvas);
    pair.append(box);
    const view = { box, canvas, context: canvas.getContext('2d'), drawn: [], stampS: null, width: 0, height: 0 };
    this.views.set(name, view);
    this.sizes.observe(box);
    return view;
  }

  get widthPx() {
    const widths = [...this.views.values()].map((view) => view.box.clientWidth);
    return Math.ceil(Math.max(0, ...widths) * devicePixelRatio);
  }

  async draw(pictures) {
    await Promise.all(pictures.map(async (picture) => {
      const view = this.views.get(picture.view);
      if (!view) return;
      const bitmap = await createImageBitmap(picture.blob);
      if (view.canvas.width !== bitmap.width || view.canvas.height !== bitmap.height) {
        view.canvas.width = bitmap.width;
        view.canvas.height = bitmap.height;
        const ratio = bitmap.width / bitmap.height;
        view.box.style.aspectRatio = `${ratio}`;
        view.box.style.flexGrow = `${ratio}`; // so both pictures of a pair are equally high
      }
      view.context.drawImage(bitmap, 0, 0);
      bitmap.close();
      view.stampS = picture.stamp_s;
      view.width = picture.width;
      view.height = picture.height;
      view.drawn.push(performance.now());
      view.canvas.dataset.drawn = String(Number(view.canvas.dataset.drawn || 0) + 1);
    }));
  }

  show(status) {
    const nowMs = performance.now();
    for (const [camera, card] of this.cards) {
      const { picture } = card;
      picture.drawn = picture.drawn.filter((ms) => nowMs - ms < RATE_MS);
      const fps = (picture.drawn.length * 1000) / RATE_MS;
      const age = picture.stampS === null ? 'no picture' : `${Math.max(0, 1000 * (status.ros_s - picture.stampS)).toFixed(0)} ms`;
      card.rate.textContent = picture.stampS === null ? age : `${fps.toFixed(0)} fps, ${age}`;
      picture.box.classList.toggle('stale', fps === 0);
      this.overlay(card, status.spheres[camera] || []);
    }
  }

  overlay({ overlay, picture }, spheres) {
    if (!picture.width) return;
    overlay.setAttribute('viewBox', `-0.5 -0.5 ${picture.width} ${picture.height}`);
    const size = (11 * picture.width) / Math.max(1, picture.box.clientWidth);
    const shapes = spheres.flatMap((sphere) => {
      const halo = circle(sphere, 'halo');
      const ball = circle(sphere, 'ball');
      ball.setAttribute('fill', sphere.color);
      ball.setAttribute('stroke', sphere.color);
      const text = document.createElementNS(SVG, 'text');
      text.setAttribute('x', sphere.x + sphere.r + size / 3);
      text.setAttribute('y', sphere.y + size / 3);
      text.style.fontSize = `${size}px`;
      text.style.strokeWidth = `${size / 4}px`;
      text.textContent = sphere.name;
      return [halo, ball, text];
    });
    overlay.replaceChildren(...shapes);
  }
}

function circle(sphere, kind) {
  const shape = document.createElementNS(SVG, 'circle');
  shape.setAttribute('class', kind);
  shape.setAttribute('cx', sphere.x);
  shape.setAttribute('cy', sphere.y);
  shape.setAttribute('r', sphere.r);
  return shape;
}

export function element(tag, className = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  return made;
}
