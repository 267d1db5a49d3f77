/**
 * A database that prepares each statement when it first runs.
 *
 * The store has some 460 statements. Preparing all of them takes 10 ms at each start, and a bot needs
 * a tenth of them for its first answer.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A database whose statements are prepared when they first run. */
export class LazyDatabase extends DatabaseSync {
  /** A wrong statement throws when it first runs, not here. */
  override prepare(sql: string): StatementSync {
    return lazily(() => super.prepare(sql));
  }
}

function lazily(prepare: () => StatementSync): StatementSync {
  let prepared: StatementSync | undefined;
  const statement = (): StatementSync => prepared ??= prepare();
  // Each has two signatures, which a plain call of one could not pass on.
  const call = (name: "all" | "get" | "iterate" | "run", parameters: readonly unknown[]) =>
    Reflect.apply(statement()[name], statement(), parameters);
  return {
    all: (...parameters: readonly unknown[]) => call("all", parameters),
    get: (...parameters: readonly unknown[]) => call("get", parameters),
    iterate: (...parameters: readonly unknown[]) => call("iterate", parameters),
    run: (...parameters: readonly unknown[]) => call("run", parameters),
    columns: () => statement().columns(),
    setAllowBareNamedParameters: (isOn) => statement().setAllowBareNamedParameters(isOn),
    setAllowUnknownNamedParameters: (isOn) => statement().setAllowUnknownNamedParameters(isOn),
    setReturnArrays: (isOn) => statement().setReturnArrays(isOn),
    setReadBigInts: (isOn) => statement().setReadBigInts(isOn),
    get expandedSQL() {
      return statement().expandedSQL;
    },
    get sourceSQL() {
      return statement().sourceSQL;
    },
  };
}
