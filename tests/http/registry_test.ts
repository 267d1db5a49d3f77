import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRegistry } from "../../src/http/metrics.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";
import { anyCharacter } from "../support/any_character.ts";

describe("[O1] createRegistry()", () => {
  it("writes counters, gauges and histograms as Prometheus has them", () => {
    const registry = createRegistry<undefined>();
    const sent = registry.counter({ name: "sent_total", help: "Sent.", labels: ["ack"] });
    registry.gauge({ name: "depth", help: "Depth." }, () => [[-1.5]]);
    const wait = registry.histogram({ name: "wait_seconds", help: "Wait.", buckets: [0.1, 1] });
    sent.inc({ ack: "echo" });
    sent.add(2, { ack: "echo" });
    for (const seconds of [0.05, 0.1, 0.5, 7]) wait.observe(seconds);
    assert.equal(
      registry.text(undefined),
      [
        "# HELP sent_total Sent.",
        "# TYPE sent_total counter",
        'sent_total{ack="echo"} 3',
        "# HELP depth Depth.",
        "# TYPE depth gauge",
        "depth -1.5",
        "# HELP wait_seconds Wait.",
        "# TYPE wait_seconds histogram",
        'wait_seconds_bucket{le="0.1"} 2',
        'wait_seconds_bucket{le="1"} 3',
        'wait_seconds_bucket{le="+Inf"} 4',
        "wait_seconds_sum 7.65",
        "wait_seconds_count 4",
        "",
      ].join("\n"),
    );
  });

  it("shows metrics without labels from the start, as 0", () => {
    const registry = createRegistry<undefined>();
    registry.counter({ name: "sent_total", help: "Sent." });
    assert.equal(parsePrometheus(registry.text(undefined)).get("sent_total")?.samples[0]?.value, 0);
  });

  it("stays valid text for any label", () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter, maxLength: 20 }), (value) => {
      const registry = createRegistry<undefined>();
      registry.counter({ name: "x_total", help: "X.", labels: ["why"] }).inc({ why: value });
      const [sample] = parsePrometheus(registry.text(undefined)).get("x_total")?.samples ?? [];
      assert.equal(sample?.labels["why"], value);
    }));
  });

  it("keeps its buckets in rising order, up to the count", () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: 0, max: 200 })), (values) => {
      const registry = createRegistry<undefined>();
      const buckets = [0.1, 1, 10, 100];
      const histogram = registry.histogram({ name: "x_seconds", help: "X.", buckets });
      for (const value of values) histogram.observe(value);
      const { samples = [] } = parsePrometheus(registry.text(undefined)).get("x_seconds") ?? {};
      const counts = samples.filter(({ name }) => name.endsWith("_bucket")).map((s) => s.value);
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
      assert.equal(counts.at(-1), values.length);
      assert.equal(samples.at(-1)?.value, values.length);
    }));
  });
});
