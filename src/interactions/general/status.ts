/**
 * `/status`: version, model and connection.
 *
 * @module
 */

import { durationText } from "../../lib/text/units.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Answers with Barnacle's version, the model, the time online and the gateway's latency. */
export const status: Command = {
  name: "status",
  description: "Show version, model and connection",
  options: [],
  needs: "everyone",
  run(_, { status, texts, now }) {
    const { version, modelId: model, modelFailsSince, readyAt, latencyMs } = status();
    const online = durationText(Math.max(0, now() - readyAt));
    const latency = latencyMs === undefined ? "–" : `${Math.round(latencyMs)} ms`;
    const text = notice("status", { version, model, online, latency }, texts());
    if (modelFailsSince === undefined) return text;
    const since = `<t:${Math.floor(modelFailsSince / 1_000)}:R>`; // in the reader's own time
    return `${text}\n${notice("statusModelFails", { since }, texts())}`;
  },
};
