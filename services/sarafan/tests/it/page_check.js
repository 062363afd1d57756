// What is wrong with how a page looks: a list of sentences, empty when nothing is. Run in a window as high as the page.
(() => {
  const problems = new Set();
  const root = document.documentElement;


  const channels = (color) => {
    const parts = color.match(/[\d.]+/g);
    if (!color.startsWith("rgb") || !parts) return null;
    const [r, g, b, a = 1] = parts.map(Number);
    return [r, g, b, a];
  };
  const over = (top, bottom) => top.slice(0, 3).map((c, i) => c * top[3] + bottom[i] * (1 - top[3])).concat(1);
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };

  // What an element paints under a text that stands on it, if anything.
  const paint = (element) => {
    const style = getComputedStyle(element);
    if (element instanceof SVGElement) {
      if (element.tagName === "svg" || element.closest("text")) return null;
      const color = channels(style.fill);
      return color && [...color.slice(0, 3), color[3] * Number(style.fillOpacity) * Number(style.opacity)];
    }
    return channels(style.backgroundColor);
  };
  const background = (x, y, self) => {
    const under = document.elementsFromPoint(x, y).filter((element) => element !== self);
    const layers = [];
    for (const element of under) {
      const color = paint(element);
      if (!color || color[3] === 0) continue;
      layers.push(color);
      if (color[3] >= 1) break;
    }
    return layers.reduceRight((below, color) => over(color, below), [255, 255, 255, 1]);
  };

  // Shapes that let the pointer through are seen all the same.
  const seen = document.createElement("style");
  seen.textContent = "svg * { pointer-events: all !important }";
  document.head.append(seen);

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
    if (boxes.length > 0) texts.push({ element, boxes, text: node.data.trim().slice(0, 40) });
  }

  for (const { element, boxes, text } of texts) {
    const style = getComputedStyle(element);
    const said = `"${text}" in ${element.tagName.toLowerCase()}`;
    if (parseFloat(style.fontSize) < 12) problems.add(`smaller than 12 px: ${said}, ${style.fontSize}`);
    // Read aloud only, or come into view by keyboard.
    if (element.closest(".unseen, .skip")) continue;
    const scroller = element.closest(".scroll")?.getBoundingClientRect();
    const { x, y, width, height } = boxes[0];
    const [cx, cy] = [x + width / 2, y + height / 2];
    if (scroller && (cx > scroller.right || cx < scroller.left || cy > scroller.bottom || cy < scroller.top)) continue;
    if (x < -0.5 || x + width > innerWidth + 0.5) {
      if (!scroller) problems.add(`out of the window: ${said}`);
      continue;
    }
    const ink = channels(element instanceof SVGElement ? style.fill : style.color);
    const paper = background(cx, cy, element);
    const found = contrast(over(ink, paper), paper);
    if (found < 4.5) problems.add(`contrast ${found.toFixed(2)}: ${said}, ${ink} on ${paper}`);
  }

  if (root.scrollWidth > innerWidth) problems.add(`${root.scrollWidth - innerWidth} px wider than the window`);

  const charts = [...document.querySelectorAll("[data-chart]")];
  if (charts.length === 0) problems.add("no chart");
  for (const chart of charts) {
    const name = chart.dataset.chart;
    const svg = chart.querySelector("svg");
    if (!svg) {
      problems.add(`${name}: not drawn`);
      continue;
    }
    const ground = [getComputedStyle(root).getPropertyValue("--grid"), getComputedStyle(root).getPropertyValue("--surface")].map((c) => c.trim());
    const marks = [...svg.querySelectorAll("path, rect, circle, polyline")].filter((shape) => {
      const box = shape.getBBox();
      const color = [shape.getAttribute("fill"), shape.getAttribute("stroke")].filter((c) => c && c !== "none" && c !== "transparent");
      return box.width + box.height > 6 && color.some((c) => !ground.includes(c) && !/^rgba?\(.*, ?0\)$/.test(c));
    });
    if (marks.length < 2) problems.add(`${name}: nothing is drawn`);
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim()).map((t) => ({ t, box: t.getBoundingClientRect() }));
    if (labels.length === 0) problems.add(`${name}: no text`);
    for (const { t, box } of labels) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
        problems.add(`${name}: "${t.textContent}" is cut off`);
      }
    }
    labels.forEach((a, i) =>
      labels.slice(i + 1).forEach((b) => {
        const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (wide > 1 && high > 4) problems.add(`${name}: "${a.t.textContent}" and "${b.t.textContent}" overlap`);
      }),
    );
  }

  for (const summary of document.querySelectorAll("summary, a[href], .scroll")) {
    if (summary.checkVisibility() && summary.tabIndex < 0) problems.add(`not reachable by keyboard: ${summary.textContent.slice(0, 40)}`);
  }
  seen.remove();
  return [...problems];
})()
