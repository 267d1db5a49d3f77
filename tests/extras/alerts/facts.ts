import type { Finding } from "../../../src/core/finding.ts";

/** A check of the running bot. */
export function found(
  id: string,
  status: Finding["status"] = "pass",
  rest: Partial<Finding> = {},
): Finding {
  return { id, what: id, status, why: "…", ...rest };
}

/** The checks of a healthy bot. */
const WELL: readonly Finding[] = [
  found("account:state", "pass", { where: "default" }),
  found("gateway:connection", "pass", { where: "default/0" }),
  found("rest:limited", "pass", { where: "default" }),
  found("storage:write"),
  found("host.data"),
  found("host.runs"),
  found("llm:local/a"),
  found("budget", "pass", { where: "budgets.total.tokensPerDay" }),
  found("schedule:7"),
  found("host.backups"),
];

/** The same, with changed checks; a text names one that is gone. */
export function checksWith(changed: readonly (Finding | string)[]): readonly Finding[] {
  const ids = new Set(changed.map((one) => typeof one === "string" ? one : one.id));
  return [
    ...WELL.filter(({ id }) => !ids.has(id)),
    ...changed.filter((one) => typeof one !== "string"),
  ];
}

export type Changes = Parameters<typeof checksWith>[0];
