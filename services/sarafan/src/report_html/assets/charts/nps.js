// NPS: its trend, its groups, its scores.

charts["nps-trend"] = ({ days, lines, last }, paper) => {
  const at = (key) => days.map((d) => [d.day, d[key]]);
  const [first, end] = [days[0].day, last];
  const known = days.filter((d) => d.low !== null);
  const values = known.flatMap((d) => [d.low, d.high]).concat(lines.map((line) => line.value));
  const scale = pointAxis(values);
  const height = 230;
  // A line says its value at its end, unless the one below stands too near.
  const near = (14 * (scale.max - scale.min)) / height;
  const ascending = [...lines].sort((a, b) => a.value - b.value);
  const labelled = new Set();
  let below = -Infinity;
  for (const line of ascending.filter((l) => !l.to || l.to >= end)) {
    if (line.value - below < near) continue;
    labelled.add(line);
    below = line.value;
  }
  const reference = (line) => {
    const color = line.kind === "target" ? paper.target : paper.benchmark;
    const from = line.from > first ? line.from : first;
    const to = line.to && line.to < end ? line.to : end;
    return {
      type: "line",
      name: line.name,
      symbol: "none",
      silent: true,
      tooltip: { show: false },
      lineStyle: { color, width: 1.5, type: line.kind === "target" ? [8, 4] : [2, 4] },
      data: [[from, line.value], [to, line.value]],
      endLabel: { show: labelled.has(line), color, fontSize: SIZE, distance: 4, formatter: () => number(line.value) },
    };
  };
  const plot = { left: 44, right: lines.length > 0 ? 40 : 14 };
  const time = (rest) => ({
    type: "time",
    min: first,
    max: end,
    axisLine: { lineStyle: { color: paper.grid } },
    axisTick: { show: false },
    splitNumber: paper.width < 600 ? 3 : 6,
    ...rest,
  });
  // A short range needs its days.
  const span = (new Date(end) - new Date(first)) / 86_400_000;
  const tick = span < 150 ? dayOfYear : shortMonth;
  return {
    height: 360,
    option: base({
      grid: [{ ...plot, top: 12, height }, { ...plot, top: 270, height: 50 }],
      axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: paper.muted } },
      tooltip: tooltip(paper, {
        trigger: "axis",
        formatter: (found) => {
          const place = days.findIndex((d) => d.day === found[0]?.value?.[0]);
          if (place < 0) return "";
          const d = days[place];
          return tip(day(d.day), [
            ["NPS", points(d.nps)],
            ["95% interval", interval(d.low, d.high, points)],
            ["answers (n)", number(d.responses)],
          ]);
        },
      }),
      xAxis: [
        time({ axisLabel: { show: false }, gridIndex: 0 }),
        time({ gridIndex: 1, axisLabel: label(paper, { formatter: tick }) }),
      ],
      yAxis: [
        valueAxis(paper, { ...scale, axisLabel: { formatter: (value) => number(value) } }),
        valueAxis(paper, { gridIndex: 1, splitNumber: 1, axisLabel: { formatter: short, showMinLabel: false } }),
      ],
      series: [
        ...band("interval", paper.series[0], {}, at("low"), at("high"), false),
        {
          type: "line",
          name: "NPS",
          data: at("nps"),
          symbol: "none",
          lineStyle: { color: paper.series[0], width: 2.5 },
          itemStyle: { color: paper.series[0] },
        },
        ...lines.map(reference),
        {
          type: "bar",
          name: "n",
          xAxisIndex: 1,
          yAxisIndex: 1,
          data: at("responses"),
          barCategoryGap: 0,
          itemStyle: { color: paper.bar },
        },
      ],
    }),
  };
};

charts["nps-groups"] = (windows, paper) => {
  const shown = [...windows].reverse();
  const group = (name) => ({
    type: "bar",
    name,
    stack: "groups",
    barMaxWidth: 34,
    itemStyle: { color: paper[name.slice(0, -1)], borderColor: paper.surface, borderWidth: 1 },
    label: {
      show: true,
      fontSize: SIZE,
      color: on(paper[name.slice(0, -1)]),
      formatter: ({ value }) => ((value / 100) * (paper.width - 130) > 34 ? `${number(value)}%` : ""),
    },
    data: shown.map((w) => (100 * w[name]) / w.n),
  });
  return {
    height: 56 + 50 * shown.length,
    option: base({
      grid: { left: 92, right: 58, top: 8, bottom: 30 },
      tooltip: tooltip(paper, {
        trigger: "axis",
        axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => {
          const w = shown[dataIndex];
          return tip(`${w.window} days, n = ${number(w.n)}`, [
            ["promoters", `${number(w.promoters)} (${percent(w.promoters / w.n)})`],
            ["passives", `${number(w.passives)} (${percent(w.passives / w.n)})`],
            ["detractors", `${number(w.detractors)} (${percent(w.detractors / w.n)})`],
            ["NPS", points(w.nps)],
          ]);
        },
      }),
      xAxis: valueAxis(paper, { max: 100, interval: 25, axisLabel: { formatter: (value) => `${value}%` }, splitLine: { show: false } }),
      yAxis: [
        categoryAxis(paper, {
          data: shown.map((w) => `${w.window} days\nn = ${number(w.n)}`),
          axisLabel: { lineHeight: 16, hideOverlap: false },
        }),
        categoryAxis(paper, {
          data: shown.map((w) => points(w.nps)),
          position: "right",
          axisLine: { show: false },
          axisLabel: { fontWeight: 600, fontSize: 14, hideOverlap: false },
        }),
      ],
      series: ["detractors", "passives", "promoters"].map(group),
    }),
  };
};

charts["nps-scores"] = ({ n, scores }, paper) => {
  const group = (score) => (score <= 6 ? "detractor" : score <= 8 ? "passive" : "promoter");
  return {
    height: 256,
    option: base({
      grid: { left: 8, right: 8, top: 26, bottom: 26 },
      tooltip: tooltip(paper, {
        formatter: ({ dataIndex, value }) =>
          tip(`Score ${dataIndex}`, [["answers", number(value)], ["share", percent(value / n)]]),
      }),
      xAxis: categoryAxis(paper, { data: scores.map((_, score) => String(score)), axisLabel: { hideOverlap: false } }),
      yAxis: valueAxis(paper, { axisLabel: { show: false }, splitLine: { show: false } }),
      series: [
        {
          type: "bar",
          barCategoryGap: "18%",
          label: {
            show: true,
            position: "top",
            color: paper.muted,
            fontSize: SIZE,
            formatter: ({ value }) => percent(value / n, paper.width < 500 ? 0 : 1),
          },
          data: scores.map((value, score) => ({ value, itemStyle: { color: paper[group(score)] } })),
        },
      ],
    }),
  };
};

