/** Tests the dashboard and the alert rules against the metrics that the bot really has. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { createMetrics } from "../../src/http/metrics.ts";
import { BUILD, HEALTHY, NOW } from "../support/bot/health.ts";
import { expressionsOf, readDashboard } from "../support/bot/grafana.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";
import { skipUnless } from "../support/skip.ts";

const PACKAGING = join(import.meta.dirname!, "..", "..", "packaging");
const RULES = join(PACKAGING, "prometheus", "alerts.yml");

/** Every metric of the bot, with the names of a histogram's series. */
function knownNames(): ReadonlySet<string> {
  const text = createMetrics(BUILD).text(HEALTHY, { cpuSec: 1 }, NOW);
  return new Set(
    [...parsePrometheus(text)].flatMap(([name, { type }]) =>
      type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name]
    ),
  );
}

/** The metrics that an expression reads. `up` is Prometheus's own. */
function namesIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\b(?:barnacle|process)_\w+/g)].map(([name]) => name);
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

function readRules(): readonly Rule[] {
  return parse(readFileSync(RULES, "utf8")).groups.flatMap(({ rules }: { rules: Rule[] }) => rules);
}

describe("[O1] packaging/grafana/dashboard.json", () => {
  const dashboard = readDashboard();

  it("reads only metrics that the bot has", () => {
    const known = knownNames();
    const expressions = expressionsOf(dashboard);
    assert.ok(expressions.length > 40);
    assert.deepEqual(expressions.filter((one) => namesIn(one).length === 0), []);
    assert.deepEqual(expressions.flatMap(namesIn).filter((name) => !known.has(name)), []);
  });

  it("has panels with titles, side by side without an overlap", () => {
    const panels = dashboard.panels.filter(({ type }) => type !== "row");
    assert.deepEqual(panels.filter(({ title }) => title === ""), []);
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    const cells = new Set<string>();
    for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          assert.ok(!cells.has(`${column},${row}`), `${title} overlaps`);
          cells.add(`${column},${row}`);
        }
      }
    }
  });

  it("finds its data source, job and bot by variables", () => {
    assert.deepEqual(dashboard.templating.list.map(({ name }) => name), [
      "datasource",
      "job",
      "instance",
    ]);
    for (const { title, datasource, type } of dashboard.panels) {
      if (type !== "row") assert.equal(datasource?.uid, "${datasource}", title);
    }
  });
});

describe("[O1] packaging/prometheus/alerts.yml", () => {
  it("reads only metrics that the bot has", () => {
    const known = knownNames();
    const names = readRules().flatMap(({ expr }) => namesIn(expr));
    assert.ok(names.length > 20);
    assert.deepEqual(names.filter((name) => !known.has(name)), []);
  });

  it("says for each alert what is wrong, and the next step", () => {
    for (const { alert, labels, annotations } of readRules()) {
      assert.match(alert, /^Barnacle[A-Z]\w+$/);
      assert.match(labels.severity, /^(?:critical|warning|info)$/, alert);
      assert.ok(annotations.summary.length > 20 && annotations.description.length > 20, alert);
    }
  });

  it("has series for each alert, and series that must not raise it", () => {
    const { tests } = parse(readFileSync(join(PACKAGING, "prometheus", "alerts_test.yml"), "utf8"));
    const played = tests.map(({ name }: { readonly name: string }) => name);
    assert.deepEqual(
      played.toSorted(),
      readRules().flatMap(({ alert }) => [alert, `${alert} does not fire`]).toSorted(),
    );
  });
});

const promtool = (args: readonly string[], input?: string) =>
  spawnSync("promtool", args, { input, encoding: "utf8" });

describe(
  "[O1] promtool",
  skipUnless(promtool(["--version"]).error === undefined, "promtool is not installed"),
  () => {
    const passes = (args: readonly string[], input?: string) => {
      const { status, stdout, stderr } = promtool(args, input);
      assert.equal(status, 0, `${stdout}${stderr}`);
    };

    it("accepts /metrics", () => {
      passes(["check", "metrics"], createMetrics(BUILD).text(HEALTHY, { cpuSec: 1 }, NOW));
      assert.notEqual(promtool(["check", "metrics"], "# HELP a_total A.\na_total x\n").status, 0);
    });

    it("accepts the alert rules", () => passes(["check", "rules", RULES]));

    it("raises each alert on its series, and not on others", () => {
      passes(["test", "rules", join(PACKAGING, "prometheus", "alerts_test.yml")]);
    });
  },
);
