/** Schedules for tools: with the rights of the asker, in the asker's words and channel (T12). */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { MAX_PER_USER, originOf, type Schedule } from "../../core/turn/schedule.ts";
import type { Showing } from "../../core/turn/ports/discord_call.ts";
import type { SchedulesPort, ShownSchedule } from "../../core/turn/ports/schedules.ts";
import { readWhen } from "../schedules/when.ts";
import { neutralizedText } from "../../render/tool_message.ts";
import { localTime } from "../../render/prompt/envelope.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { badArguments, RefusedCall } from "../../core/refused_call.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { Schedules } from "../../store/schedules/schedules.ts";

type SchedulingAccount =
  & Pick<
    Account<{ readonly schedules: Pick<Schedules, "create" | "list" | "remove"> }>,
    "store" | "now"
  >
  & Emits<"schedulesChanged">;

export function createSchedulesPort(account: SchedulingAccount, options: {
  readonly agentId: string;
  /** `agents.defaults.timezone`, or the host's. */
  readonly timezone: () => string;
  /** `messages.linkHosts`. */
  readonly linkHosts: () => readonly string[];
  readonly cleanSecrets: (text: string) => string;
  readonly isOwner: (message: InboundMessage) => boolean;
  readonly showing: Showing;
}): SchedulesPort {
  const { store: { schedules }, events, now } = account;
  const { agentId, timezone, linkHosts, cleanSecrets, isOwner, showing } = options;

  function shown({ id, kind, text, cron, nextAt, pausedBy, origin }: Schedule): ShownSchedule {
    return {
      id,
      kind,
      text,
      channelId: origin.channelId,
      cron,
      next: nextAt !== undefined ? localTime(nextAt, timezone()) : undefined,
      isPaused: pausedBy ? true : undefined,
    };
  }

  /** In a guild, no schedule of another guild or of a direct message is visible (SEC-R4). */
  async function visible({ accountId, sender, guildId, channelId, place }: InboundMessage) {
    const all = await schedules.list(accountId, sender.id);
    return all.filter(({ origin, nextAt }) =>
      nextAt !== undefined &&
      (place.kind === "dm" ||
        (guildId === undefined ? origin.channelId === channelId : origin.guildId === guildId))
    );
  }

  return {
    async create(asker, { when, text, isTask, callKey }) {
      if (asker.hooked) {
        throw new RefusedCall("policy", "an event of a hook may set no reminders or tasks");
      }
      if (asker.scheduled) {
        throw new RefusedCall("policy", "a scheduled task may set no further reminders or tasks");
      }
      const read = await readWhen(when, { now: now(), timezone: timezone() });
      if (read.kind === "problem") throw badArguments(read.why);
      if (read.kind === "cron" && !isOwner(asker)) {
        throw new RefusedCall(
          "owners_only",
          "only an owner of the bot may repeat it; write one time or a duration",
        );
      }
      const clean = neutralizedText(cleanSecrets(visibleText(text)), {
        written: [asker.text],
        linkHosts: linkHosts(),
      });
      if (clean.trim() === "") throw badArguments("`text` has nothing to show");
      const created = await schedules.create({
        callKey,
        origin: originOf(asker, agentId),
        kind: isTask ? "task" : "reminder",
        text: clean,
        cron: read.kind === "cron" ? read.pattern : undefined,
        nextAt: read.at,
      }, now());
      if (!created) {
        throw new RefusedCall(
          "budget",
          `this person has ${MAX_PER_USER} reminders and tasks already; one must be deleted first`,
        );
      }
      events.emit.schedulesChanged();
      return shown(created);
    },
    async list(asker) {
      const mayShow = showing(asker);
      return await Promise.all((await visible(asker)).map(async (one) => ({
        ...shown(one),
        text: await mayShow(one.origin.channelId) ? one.text : undefined,
      })));
    },
    async remove(asker, id) {
      const own = await visible(asker);
      if (!own.some((schedule) => schedule.id === id)) return false;
      const wasThere = await schedules.remove(id);
      events.emit.schedulesChanged();
      return wasThere;
    },
  };
}
