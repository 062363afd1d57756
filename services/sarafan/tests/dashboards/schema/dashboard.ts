// A dashboard file as Grafana's published schema package types it, strict to the last option.
//
// The package describes options and field options of each panel in a module of its own and leaves them open in `Panel`; here
// they are put together, so that an option that Grafana does not know is an error. Enumerations of the package become the
// values that stand in a file.

import type * as common from '@grafana/schema';
import type {
  Dashboard as AnyDashboard,
  DashboardLink,
  DataSourceRef,
  FieldConfig,
  GridPos,
  MatcherConfig,
  Panel as AnyPanel,
  VariableModel,
} from '@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen';
import type * as barchart from '@grafana/schema/dist/types/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as trend from '@grafana/schema/dist/types/raw/composable/trend/panelcfg/x/TrendPanelCfg_types.gen';

/** What stands in a file for a value of `T`: values of enumerations in place of their names. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer N extends number}` ? N : never
    : T extends boolean | null | undefined
      ? T
      : T extends readonly (infer E)[]
        ? Plain<E>[]
        : T extends object
          ? { [K in keyof T]: Plain<T[K]> }
          : T;

/** A query of the ClickHouse plugin: `CHSqlQuery` of its version 4.14. */
interface ClickHouseTarget {
  refId: string;
  datasource: { type: 'grafana-clickhouse-datasource'; uid: 'sarafan-clickhouse' };
  editorType: 'sql';
  queryType: 'table' | 'timeseries';
  /** 0 is a time series, 1 a table: the backend goes by this number alone. */
  format: 0 | 1;
  pluginVersion: string;
  rawSql: string;
}

/** A query of the Prometheus data source. */
interface PrometheusTarget {
  refId: string;
  datasource: { type: 'prometheus'; uid: 'sarafan-prometheus' };
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  range: boolean;
  instant: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
}

/** A link of a field: `DataLink` of @grafana/data, which the schema package leaves open. */
interface FieldLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Defaults<Custom> = Omit<Plain<FieldConfig>, 'custom' | 'links'> & {
  links?: FieldLink[];
  custom?: Partial<Plain<Custom>>;
};

type OverrideOf<Options, Prefix extends string> = {
  [K in keyof Options & string]-?: { id: `${Prefix}${K}`; value: Options[K] };
}[keyof Options & string];

interface Override<Custom> {
  matcher: Plain<MatcherConfig>;
  properties: (OverrideOf<Omit<Defaults<Custom>, 'custom'>, ''> | OverrideOf<Plain<Custom>, 'custom.'>)[];
}

type PanelOf<Type extends string, Options, Custom> = Omit<
  Plain<AnyPanel>,
  'type' | 'title' | 'description' | 'id' | 'gridPos' | 'targets' | 'options' | 'fieldConfig' | 'datasource'
> & {
  type: Type;
  id: number;
  title: string;
  description: string;
  gridPos: GridPos;
  datasource: DataSourceRef;
  targets: (ClickHouseTarget | PrometheusTarget)[];
  options: Plain<Options>;
  fieldConfig: { defaults: Defaults<Custom>; overrides: Override<Custom>[] };
};

type Panel =
  | PanelOf<'barchart', barchart.Options, barchart.FieldConfig>
  | PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | PanelOf<'stat', stat.Options, Record<never, never>>
  | PanelOf<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'trend', trend.Options, trend.FieldConfig>;

interface Row {
  type: 'row';
  id: number;
  title: string;
  collapsed: boolean;
  gridPos: GridPos;
  panels: Panel[];
}

/** `definition` is what the list of variables in the settings shows; the schema package does not know it. */
type Variable = Plain<VariableModel> & { definition?: string };

/** A file of grafana/dashboards. */
export type Dashboard = Omit<Plain<AnyDashboard>, 'panels' | 'templating' | 'links' | 'schemaVersion'> & {
  schemaVersion: 42;
  links: Plain<DashboardLink>[];
  templating: { list: Variable[] };
  panels: (Panel | Row)[];
};

/** Keeps the import of the package's entry, which the modules of panels refer to, honest: it has to resolve. */
export type SchemaPackage = typeof common;
