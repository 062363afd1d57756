// Lifetime value: factors side by side, value at the same age, cohorts.

charts.ltv = ({ currency, rows }, paper) => {
  const shown = [...rows].reverse();
  const name = (row) => (row.dimension === "all" ? "the whole" : row.segment);
  const factors = [
    { key: "ltv", title: `LTV, ${currency}`, text: (v) => number(v, 0) },
    { key: "average_check", title: `S: average check, ${currency}`, text: (v) => number(v, 0) },
    { key: "orders_per_month", title: "C: purchases a month", text: (v) => number(v, 2) },
    { key: "margin_rate", title: "P: margin rate", text: (v) => percent(v, 0) },
    { key: "months", title: "t: months", text: (v) => number(v, 1) },
  ];
  // Side by side where there is room, else below each other.
  const wide = paper.width >= 840;
  const names = wide ? 130 : 104;
  const each = 24 * shown.length + 14;
  const width = (paper.width - names - 8) / factors.length;
  const grid = factors.map((_, place) =>
    wide
      ? { left: names + place * width, width: width - 56, top: 30, height: each }
      : { left: names, right: 60, top: 28 + place * (each + 40), height: each },
  );
  const axis = (place) => {
    const axisLabel = { show: !wide || place === 0, width: names - 12, overflow: "truncate", hideOverlap: false };
    return categoryAxis(paper, { gridIndex: place, data: shown.map(name), axisLine: { show: false }, axisLabel });
  };
  return {
    height: wide ? each + 40 : factors.length * (each + 40) + 4,
    option: base({
      grid,
      tooltip: tooltip(paper, {
        formatter: ({ dataIndex }) => {
          const row = shown[dataIndex];
          return tip(`${name(row)}, ${number(row.customers)} customers`, factors.map((f) => [f.title, f.text(row[f.key])]));
        },
      }),
      xAxis: factors.map((factor, place) =>
        valueAxis(paper, {
          gridIndex: place,
          min: 0,
          name: factor.title,
          nameLocation: "start",
          nameGap: 0,
          // Above its own bars: the axis stands on top, and its name at the left end.
          position: "top",
          nameTextStyle: { color: paper.muted, fontSize: SIZE, align: "left", verticalAlign: "bottom", padding: [0, 0, 6, 0] },
          axisLabel: { show: false },
          splitLine: { show: false },
        }),
      ),
      yAxis: factors.map((_, place) => axis(place)),
      series: factors.map((factor, place) => ({
        type: "bar",
        xAxisIndex: place,
        yAxisIndex: place,
        barMaxWidth: 15,
        label: {
          show: true,
          position: "right",
          color: paper.ink,
          fontSize: SIZE,
          formatter: ({ dataIndex }) => factor.text(shown[dataIndex][factor.key]),
        },
        data: shown.map((row) => ({
          value: Math.max(0, row[factor.key] ?? 0),
          itemStyle: { color: row.dimension === "all" ? paper.whole : paper.series[0] },
        })),
      })),
    }),
  };
};

charts["at-age"] = ({ currency, series }, paper) => {
  const ages = [...new Set(series.flatMap((s) => s.points.map((p) => p.age_days)))].sort((a, b) => a - b);
  const symbols = ["circle", "circle", "rect", "triangle", "diamond", "roundRect", "arrow"];
  const line = (s, place) => {
    const color = place === 0 ? paper.whole : paper.series[place - 1];
    const at = (age) => s.points.find((p) => p.age_days === age);
    return {
      type: "line",
      name: s.name,
      connectNulls: false,
      symbol: symbols[place],
      symbolSize: 9,
      lineStyle: { color, width: place === 0 ? 3 : 2 },
      data: ages.map((age) => {
        const p = at(age);
        const fill = p && p.customers < 30 ? paper.surface : color;
        return { value: p ? p.margin_per_customer : null, itemStyle: { color: fill, borderColor: color, borderWidth: 2 } };
      }),
    };
  };
  return {
    height: 300,
    option: base({
      grid: { left: 58, right: 18, top: 14, bottom: 44 },
      tooltip: tooltip(paper, {
        trigger: "axis",
        axisPointer: { lineStyle: { color: paper.muted } },
        formatter: ([{ dataIndex }]) =>
          tip(`Within ${ages[dataIndex]} days, ${currency}`, series.map((s) => {
            const p = s.points.find((q) => q.age_days === ages[dataIndex]);
            return [s.name, p ? `${number(p.margin_per_customer, 2)} (n = ${number(p.customers)})` : NONE];
          })),
      }),
      xAxis: categoryAxis(paper, {
        data: ages.map(String),
        boundaryGap: ages.length === 1,
        name: "days since the first order",
        nameLocation: "middle",
        nameGap: 28,
        nameTextStyle: { color: paper.muted, fontSize: SIZE },
      }),
      yAxis: valueAxis(paper, { axisLabel: { formatter: (value) => number(value) } }),
      series: series.map(line),
    }),
  };
};

charts.cohorts = (cells, paper) => {
  const wide = paper.width >= 600;
  const most = Math.max(...cells.map((c) => c[1]), 1);
  const months = Array.from({ length: wide ? most : Math.min(most, 6) }, (_, i) => i + 1);
  const shown = cells.filter((c) => c[1] >= 1 && c[1] <= months.length);
  const cohorts = [...new Set(shown.map((c) => c[0]))].reverse();
  const largest = Math.max(...shown.map((c) => c[2] / c[3]), 0.01);
  const size = (cohort) => cells.find((c) => c[0] === cohort)[3];
  const plot = paper.width - (wide ? 130 : 118) - 8;
  const roomy = plot / months.length >= 34;
  const cell = (params, api) => {
    const [, index, customers, all] = shown[params.dataIndex];
    const [width, height] = api.size([1, 1]);
    const [x, y] = api.coord([index - 1, api.value(1)]);
    const color = between(paper.scale, customers / all / largest);
    const children = [
      {
        type: "rect",
        shape: { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2, r: 2 },
        style: { fill: color },
      },
    ];
    if (roomy) {
      const text = percent(customers / all, 0);
      const style = { text, x, y, fill: on(color), fontSize: SIZE, align: "center", verticalAlign: "middle" };
      children.push({ type: "text", style });
    }
    return { type: "group", children };
  };
  return {
    height: 46 + 25 * cohorts.length,
    option: base({
      grid: { left: wide ? 130 : 118, right: 8, top: 34, bottom: 6 },
      tooltip: tooltip(paper, {
        formatter: ({ dataIndex }) => {
          const [cohort, index, customers, all] = shown[dataIndex];
          return tip(`${month(cohort)}, month ${index}`, [
            ["bought", `${number(customers)} of ${number(all)}`],
            ["share", percent(customers / all)],
          ]);
        },
      }),
      xAxis: categoryAxis(paper, {
        data: months.map(String),
        position: "top",
        axisLine: { show: false },
        axisLabel: { color: paper.muted },
      }),
      yAxis: categoryAxis(paper, {
        data: cohorts.map((c) => `${month(c)} (${short(size(c))})`),
        axisLine: { show: false },
        axisLabel: { hideOverlap: false },
      }),
      series: [{ type: "custom", renderItem: cell, data: shown.map((c) => [c[1] - 1, cohorts.indexOf(c[0])]) }],
    }),
  };
};

