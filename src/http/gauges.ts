/** Makes gauges that are read off the snapshot at each request of `/metrics`. */

import type { LabelsArgument, Registry } from "../lib/metrics.ts";
import type { AccountSnapshot, Snapshot } from "./snapshot.ts";

/** Figures of the process, read at each request; absent if the system does not report them. */
export interface ProcessUsage {
  /** Seconds of CPU time since the start. */
  readonly cpuSec: number;
  /** Number of open file descriptors; absent if the host does not tell. */
  readonly openFds?: number;
  /** Their limit; absent if the host does not tell. */
  readonly maxFds?: number;
  /** Bytes that this user may still write to the disk of the data directory. */
  readonly diskFreeBytes?: number;
}

export type Readings = Snapshot & ProcessUsage & { readonly now: number };

/** A value, and its labels if the gauge has some. */
type Sample<Name extends string> = readonly [value: number, ...labels: LabelsArgument<Name>];

/** Adds gauges to a registry. Each takes its samples anew at each request, so none gets outdated. */
export function createGauges(registry: Registry) {
  function gauge<const Name extends string = never>(
    name: string,
    help: string,
    read: (readings: Readings) => readonly Sample<Name>[],
    labels: readonly Name[] = [],
  ): (readings: Readings) => void {
    const { set, clear } = registry.gauge({ name, help, labels });
    return (readings) => {
      clear();
      for (const sample of read(readings)) set(...sample);
    };
  }
  const ofAccounts = (
    name: string,
    help: string,
    read: (account: AccountSnapshot) => number | undefined,
  ) =>
    gauge(name, help, ({ accounts }) =>
      accounts.flatMap((account) => {
        const value = read(account);
        return value === undefined ? [] : [[value, { account: account.id }] as const];
      }), ["account"]);
  const ofBot = (name: string, help: string, read: (readings: Readings) => number | undefined) =>
    gauge(name, help, (readings) => {
      const value = read(readings);
      return value === undefined ? [] : [[value]];
    });
  const byState = (
    name: string,
    help: string,
    read: (readings: Readings) => Readonly<Record<string, number>>,
  ) =>
    gauge(
      name,
      help,
      (readings) => Object.entries(read(readings)).map(([state, count]) => [count, { state }]),
      ["state"],
    );
  return {
    gauge,
    /** Adds a gauge with one value for each account; `undefined` leaves an account out. */
    ofAccounts,
    /** Adds a gauge with one value, or none. */
    ofBot,
    byState,
  };
}
