// What Grafana's own types say of a dashboard, in the classic model. The test appends the file as a
// literal: names that no type has are errors then, and so are values that no enum has.
import type { AnnotationQuery, DataSourceRef, Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel } from "@grafana/schema";
import type { Options as BarGauge } from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { FieldConfig as TableField, Options as Table } from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type { FieldConfig as SeriesField, Options as Series } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// As it stands in JSON: an enum is its values.
type Plain<T> =
  T extends string ? `${T}` :
  T extends number | boolean | null | undefined ? T :
  T extends (infer Each)[] ? Plain<Each>[] :
  T extends object ? { [Name in keyof T]: Plain<T[Name]> } :
  T;

// A query of Prometheus; its types are not in the schema.
interface Query {
  refId: string;
  datasource: DataSourceRef;
  expr: string;
  legendFormat: string;
  editorMode: "code" | "builder";
  range: boolean;
  instant: boolean;
  format?: "time_series" | "table" | "heatmap";
}

// A panel says what it is for, and its options are those of its sort.
type Draws<Sort extends string, Options, Custom> =
  Omit<Plain<Panel>, "type" | "title" | "description" | "options" | "fieldConfig" | "targets"> & {
    type: Sort;
    title: string;
    description: string;
    options: Plain<Options>;
    targets: Query[];
    fieldConfig: Omit<Plain<FieldConfigSource>, "defaults"> & {
      defaults: Omit<Plain<FieldConfig>, "custom"> & { custom?: Partial<Plain<Custom>> };
    };
  };

type Any =
  | Plain<RowPanel>
  | Draws<"stat", Stat, never>
  | Draws<"bargauge", BarGauge, never>
  | Draws<"table", Table, TableField>
  | Draws<"timeseries", Series, SeriesField>;

// What the Prometheus data source adds to an annotation.
type Marks = Plain<AnnotationQuery> & { expr: string; titleFormat: string; step: string };

type Classic = Omit<Plain<Dashboard>, "panels" | "annotations"> & {
  panels: Any[];
  annotations: { list: Marks[] };
};

