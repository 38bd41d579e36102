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
