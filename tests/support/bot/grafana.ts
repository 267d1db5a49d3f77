/** Reads the dashboard for Grafana. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The fields of a dashboard that tests read. */
export interface GrafanaDashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly datasource?: { readonly uid: string };
    readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[];
  };
}

const PATH = join(import.meta.dirname!, "../../../packaging/grafana/dashboard.json");

export function readDashboard(): GrafanaDashboard {
  return JSON.parse(readFileSync(PATH, "utf8"));
}

/** Every expression of a dashboard, those of its variables included. */
export function expressionsOf(
  { panels, annotations, templating }: GrafanaDashboard,
): readonly string[] {
  return [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
    ...templating.list.flatMap(({ definition }) =>
      definition === undefined ? [] : [definition.replace(/^label_values\((.*), \w+\)$/, "$1")]
    ),
  ];
}
