/**
 * Exports the traces of turns to the operator's collector, if the config names one.
 *
 * The packages load with the first turn, so that a bot without a collector never loads them.
 */

import type { Account } from "../core/account/account.ts";
import type { TurnTrace } from "../core/turn/timeline.ts";
import type { Otlp, OtlpOptions } from "./otlp.ts";
import { spansOf } from "./spans.ts";

/**
 * Milliseconds that a stop waits for the collector, which may be away: less than what a stop has
 * beyond its turns, and enough for a slow machine.
 */
const STOP_MS = 3_000;

/** Creates the export. Nothing is loaded before the first trace. */
export function createTraceExport(options: OtlpOptions & Pick<Account, "log" | "schedule">) {
  let loading: Promise<Otlp | undefined> | undefined;

  async function load(): Promise<Otlp | undefined> {
    try {
      const { createOtlp } = await import("./otlp.ts");
      return createOtlp(options);
    } catch (error) {
      options.log.error("Cannot export traces", { error });
      return undefined;
    }
  }

  return {
    /** Takes the trace of a turn. Never throws, and the turn does not wait for it. */
    add(trace: TurnTrace): void {
      loading ??= load();
      void loading.then((otlp) => otlp?.add(spansOf(trace)));
    },
    /** Sends the traces so far, and ends. Never rejects. */
    async stop(): Promise<void> {
      const otlp = await loading;
      if (!otlp) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = options.schedule(resolve, STOP_MS);
      await Promise.race([otlp.stop(), promise]);
      cancel();
    },
  };
}

export type TraceExport = ReturnType<typeof createTraceExport>;
