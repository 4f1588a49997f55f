// Points to begin with, in two classes, on a plane of 256 × 256 places: [x, y, class], the same each time.
const PRESETS = (() => {
  const COUNT = 120;
  // Random numbers from 0 to 1 (mulberry32), and normal ones.
  let state = 0;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const around = (x, y, spread) => [x + spread * normal(), y + spread * normal()];
  const shapes = [
    (label) => around(label ? 175 : 80, label ? 90 : 165, 24),
    (label, part) => around(...(label ? [155 + 62 * Math.cos(Math.PI * part), 108 + 62 * Math.sin(Math.PI * part)] : [101 + 62 * Math.cos(Math.PI * part), 148 - 62 * Math.sin(Math.PI * part)]), 9),
    (label, part) => around(128 + (label ? 95 : 38) * Math.cos(2 * Math.PI * part), 128 + (label ? 95 : 38) * Math.sin(2 * Math.PI * part), 9),
    (label) => {
      const [right, up] = [random() < 0.5, random() < 0.5];
      return around(right ? 185 : 71, (right !== up) === Boolean(label) ? 71 : 185, 20);
    },
    (label, part) => {
      const [angle, radius] = [3.2 * Math.PI * part + Math.PI * label, 12 + 98 * part];
      return around(128 + radius * Math.cos(angle), 128 + radius * Math.sin(angle), 3);
    },
  ];
  const inside = (value) => Math.max(2, Math.min(253, Math.round(value)));
  const points = (shape) => Array.from({ length: COUNT }, (_, at) => {
    const label = at % 2, [x, y] = shape(label, Math.floor(at / 2) / (COUNT / 2 - 1));
    return [inside(x), inside(y), label];
  });
  return (number) => {
    state = 7;
    return shapes[number] ? points(shapes[number]) : [];
  };
})();
