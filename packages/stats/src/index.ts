export type { StatsApi } from "./api.js";
export type {
  Counters,
  FigureType,
  HeapStats,
  SizeClass,
  StatsSnapshot,
  StatsSource,
  TagStats,
  Unit,
} from "./figures.js";
export {
  type Meter,
  type MeterAttributes,
  type MeterInstrumentOptions,
  type MeterObserver,
  observeStats,
} from "./opentelemetry.js";
export { prometheusText } from "./prometheus.js";
export type { Sample } from "./query.js";
export { type StatsOptions, stats } from "./stats.js";
export { statsTable } from "./table.js";
