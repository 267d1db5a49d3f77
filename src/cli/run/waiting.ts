/**
 * Answers commands and the dashboard in a process that stands by, or has no partition (O15, O16), by
 * asking the processes that own the store.
 */

import { z } from "zod";
import { serveSocket } from "../../host/bot_socket.ts";
import { readPart } from "../../store/shared/part_reads.ts";
import { ownNothing, refusingOthers } from "../../store/shared/store_elsewhere.ts";
import { createDashboardHost, type DashboardHostOptions } from "../dashboard/host.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { createCallHandler, type OwnCalls, WITHOUT_STORE } from "../shared/store_calls.ts";
import { toStartError } from "../shared/start_error.ts";
import { createFleetStore, type WaitingFleet } from "../asking/fleet_store.ts";
import { callElsewhere } from "../asking/forwarding.ts";
import type { WaitingAnswers, WaitingSelf } from "../standby/stand_by.ts";
import type { RestartRequests } from "./restart.ts";

const readSchema = z.tuple([z.string(), z.array(z.unknown())]);

/** Everything that the answers need. */
export interface WaitingOptions extends Omit<DashboardHostOptions, "store" | "recorded"> {
  readonly fleet: WaitingFleet;
  readonly self: WaitingSelf;
  readonly restart: Pick<RestartRequests, "ask">;
}

/** Begins to answer. */
export async function serveWaiting(options: WaitingOptions): Promise<WaitingAnswers> {
  const { fleet: { count, ask, writes, problem, ownerless }, self, dataDir, logging } = options;
  const log = logging.forPart("main");
  const joined = createFleetStore(ownNothing(writes), { count, ask, parts: () => [] }, log).store;
  const store = refusingOthers(joined);
  const bot = { // it runs no account
    ...self,
    refresh: () => Promise.resolve(),
    traffic: () => [],
    changedByCommand() {},
    pageMade() {},
  };
  const dashboard = createDashboardHost(bot, { ...options, store }, async () => {
    const { RefusedChange } = await import("../dashboard/base/page.ts");
    throw new RefusedChange(
      "The config file is written. This process applies it at its next start",
    );
  });
  const forward = callElsewhere({ ask, isHere: () => false, isLeaving: () => false });
  const calls: OwnCalls = {
    catchUp() {
      const why = problem();
      if (why !== undefined) {
        throw new StartError(`PostgreSQL does not answer: ${why}`, EXIT.tryAgain);
      }
      const lacking = ownerless();
      if (lacking.length === 0) return WITHOUT_STORE;
      const which = count === 1
        ? "the bot"
        : `partition${lacking.length === 1 ? "" : "s"} ${lacking.join(", ")}`;
      throw new StartError(`no process runs ${which} now; try again`, EXIT.tryAgain);
    },
    async "store.read"(args) {
      const [name, given] = readSchema.parse(args);
      return await readPart(joined, name, given);
    },
    "dashboard.login"() {
      if (options.setup.config.http.dashboard) return dashboard.login(self.base);
      throw new StartError(
        "the dashboard is off; set http.dashboard to true, and start this process again",
        EXIT.config,
      );
    },
    ...(forward && { "api.call": forward }),
    "upgrade.restart": () => options.restart.ask("restart"),
  };
  const socket = await serveSocket(
    dataDir,
    createCallHandler(store, () => {}, calls),
    (error) => log.error("Cannot answer a command", { error }),
  ).catch((error: unknown) => {
    log.warn("Commands cannot reach this process", { error: toStartError(error).message });
    return undefined;
  });
  return {
    answer: dashboard.answer,
    async close() {
      await dashboard.close();
      await socket?.close();
    },
  };
}
