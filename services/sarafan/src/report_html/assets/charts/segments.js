// NPS by segment: a mark with its interval each, best on top.

charts["nps-segments"] = ({ whole, single, segments }, paper) => {
  const shown = [...segments].reverse();
  const wide = paper.width >= 600;
  const left = wide ? 210 : 122;
  const values = segments.flatMap((s) => [s.low, s.high, s.target ?? s.nps]).concat(whole);
  const apart = (s) => s.low > whole || s.high < whole;
  const between = wide ? " · " : "\n";
  const name = (s) => (single ? s.segment : `${s.segment}${between}${s.dimension}`);
  const mark = (params, api) => {
    const s = shown[params.dataIndex];
    const [from, y] = api.coord([s.low, params.dataIndex]);
    const [to] = api.coord([s.high, params.dataIndex]);
    const [x] = api.coord([s.nps, params.dataIndex]);
    const color = paper.series[0];
    const children = [
      { type: "line", shape: { x1: from, y1: y, x2: to, y2: y }, style: { stroke: color, lineWidth: 2.5 } },
      {
        type: "circle",
        shape: { cx: x, cy: y, r: 5 },
        style: { fill: apart(s) ? color : paper.surface, stroke: color, lineWidth: 2 },
      },
    ];
    if (s.target !== null) {
      const [t] = api.coord([s.target, params.dataIndex]);
      children.push({ type: "line", shape: { x1: t, y1: y - 8, x2: t, y2: y + 8 }, style: { stroke: paper.target, lineWidth: 2 } });
    }
    return { type: "group", children };
  };
  return {
    height: 44 + (single || wide ? 30 : 40) * shown.length,
    option: base({
      grid: { left, right: wide ? 120 : 50, top: 8, bottom: 34 },
      tooltip: tooltip(paper, {
        formatter: ({ dataIndex }) => {
          const s = shown[dataIndex];
          const rows = [
            ["NPS", points(s.nps)],
            ["95% interval", interval(s.low, s.high, points)],
            ["n", number(s.n)],
            ["change", `${points(s.change)}${s.significant ? " (significant)" : ""}`],
          ];
          if (s.target !== null) rows.push(["target", points(s.target)]);
          return tip(`${s.dimension}: ${s.segment}`, rows);
        },
      }),
      xAxis: valueAxis(paper, { ...pointAxis(values), axisLabel: { formatter: (value) => number(value) } }),
      yAxis: [
        categoryAxis(paper, {
          data: shown.map((_, i) => String(i)),
          axisLabel: {
            width: left - 14,
            overflow: "truncate",
            lineHeight: 15,
            hideOverlap: false,
            formatter: (i) => name(shown[i]),
          },
        }),
        categoryAxis(paper, {
          data: shown.map((s) => (wide ? `${points(s.nps)}  (n = ${number(s.n)})` : points(s.nps))),
          position: "right",
          axisLine: { show: false },
          axisLabel: { hideOverlap: false },
        }),
      ],
      series: [
        {
          type: "line",
          symbol: "none",
          silent: true,
          data: [[whole, 0], [whole, shown.length - 1]],
          lineStyle: { color: paper.whole, type: [6, 4], width: 1.5 },
        },
        { type: "custom", renderItem: mark, data: shown.map((s, i) => [s.nps, i]), encode: { x: 0, y: 1 } },
      ],
    }),
  };
};

