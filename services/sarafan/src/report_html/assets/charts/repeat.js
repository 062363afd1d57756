// Repeat purchases: funnel, Kaplan-Meier curves, activity.

charts.funnel = (steps, paper) => {
  const shown = [...steps].reverse();
  const words = (s) => (s.step === 1 ? "1 purchase" : `${s.step} purchases`);
  return {
    height: 24 + 31 * shown.length,
    option: base({
      grid: { left: 88, right: 96, top: 4, bottom: 4 },
      tooltip: tooltip(paper, {
        formatter: ({ dataIndex }) => {
          const s = shown[dataIndex];
          return tip(`At least ${words(s)}`, [
            ["customers", number(s.customers)],
            ["go on to the next", percent(s.conversion)],
          ]);
        },
      }),
      xAxis: valueAxis(paper, { axisLabel: { show: false }, splitLine: { show: false } }),
      yAxis: categoryAxis(paper, { data: shown.map(words), axisLine: { show: false }, axisLabel: { hideOverlap: false } }),
      series: [
        {
          type: "bar",
          barCategoryGap: "22%",
          itemStyle: { color: paper.series[0] },
          label: {
            show: true,
            position: "right",
            color: paper.ink,
            fontSize: SIZE,
            formatter: ({ dataIndex }) => `${number(shown[dataIndex].customers)} · ${percent(shown[dataIndex].conversion, 0)}`,
          },
          data: shown.map((s) => s.customers),
        },
      ],
    }),
  };
};

charts.curves = ({ stepped, curves }, paper) => {
  const step = stepped ? "end" : false;
  const at = (curve, x) => curve.filter((point) => point[0] <= x).at(-1);
  // In percent, where steps are whole numbers; every step divides 100.
  const highest = 100 * Math.max(...curves.flat().map((p) => p[3] ?? p[1]));
  const { max, interval: every } = roundAxis(0, highest, [1, 2, 5, 10, 20, 25], 5);
  const names = ["first to second", "second to third", "third to fourth"];
  const series = curves.flatMap((curve, k) => {
    // Where nobody is left waiting there is no interval.
    const sure = curve.filter((point) => point[2] !== null);
    return [
      ...band(names[k], paper.series[k], {}, sure.map((p) => [p[0], p[2]]), sure.map((p) => [p[0], p[3]]), step),
      {
        type: "line",
        name: names[k],
        step,
        symbol: stepped ? "none" : "circle",
        symbolSize: 7,
        data: curve.map((p) => [p[0], p[1]]),
        lineStyle: { color: paper.series[k], width: 2.2, type: ["solid", [8, 3], [3, 3]][k] },
        itemStyle: { color: paper.series[k] },
      },
    ];
  });
  return {
    height: 334,
    option: base({
      grid: { left: 48, right: 16, top: 12, bottom: 44 },
      tooltip: tooltip(paper, {
        trigger: "axis",
        axisPointer: { lineStyle: { color: paper.muted } },
        formatter: (found) => {
          const x = found[0].axisValue;
          const rows = curves.map((curve, k) => {
            const point = x <= curve.at(-1)[0] ? at(curve, x) : null;
            return [names[k], point ? `${percent(point[1])} (${interval(point[2], point[3], percent)})` : NONE];
          });
          return tip(`Within ${x} days`, rows);
        },
      }),
      xAxis: valueAxis(paper, {
        min: 0,
        max: 365,
        name: "days since the purchase before",
        nameLocation: "middle",
        nameGap: 28,
        interval: paper.width < 500 ? 90 : 30,
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: paper.grid } },
        axisLabel: { showMaxLabel: false },
      }),
      yAxis: valueAxis(paper, { min: 0, max: max / 100, interval: every / 100, axisLabel: { formatter: (value) => percent(value, 0) } }),
      series,
    }),
  };
};

charts.activity = (months, paper) => {
  const shown = months.slice(paper.width < 500 ? -12 : 0);
  const part = (name, place) => ({
    type: "bar",
    name,
    stack: "active",
    barCategoryGap: "24%",
    itemStyle: { color: paper.series[place] },
    data: shown.map((m) => m[name]),
  });
  return {
    height: 300,
    option: base({
      grid: { left: 48, right: 8, top: 12, bottom: 28 },
      tooltip: tooltip(paper, {
        trigger: "axis",
        axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => {
          const m = shown[dataIndex];
          return tip(month(m.month), [
            ["active", number(m.active)],
            ["new", number(m.new)],
            ["returning", number(m.returning)],
            ["reactivated", number(m.reactivated)],
            ["lapsed", number(m.lapsed)],
            ["retention", percent(m.retention)],
          ]);
        },
      }),
      xAxis: categoryAxis(paper, {
        data: shown.map((m) => shortMonth(m.month)),
        axisLabel: { color: paper.muted },
      }),
      yAxis: valueAxis(paper, { axisLabel: { formatter: short } }),
      series: ["returning", "reactivated", "new"].map(part),
    }),
  };
};

