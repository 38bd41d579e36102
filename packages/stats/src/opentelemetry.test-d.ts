/** The meters of OpenTelemetry are meters of ours. */
import type { Meter as ApiMeter } from "@opentelemetry/api";
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expectTypeOf, it } from "vitest";
import type { Meter } from "./opentelemetry.js";

it("takes the meter of the API and that of the SDK", () => {
  expectTypeOf<ApiMeter>().toExtend<Meter>();
  expectTypeOf<ReturnType<MeterProvider["getMeter"]>>().toExtend<Meter>();
});
