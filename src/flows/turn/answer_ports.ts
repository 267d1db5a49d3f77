/** Declares what an answer needs: its rules from the config, and everything from outside. */

import type { BotAccount } from "../../account/account.ts";
import type { EndPorts } from "./finished_turn.ts";
import type { UnderPorts } from "./control/lines_under.ts";
import type { SaveTurnPorts, TurnPeople } from "./save_turn.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { MentionNames } from "../../core/inbound/mentions.ts";
import type { Model } from "../../core/model.ts";
import type { Manner } from "../../core/people/chosen.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { Instructions } from "../../render/prompt/system_prompt.ts";
import type { ReplyRules } from "../../render/reply.ts";
import type { ReadMade } from "../media/find_files.ts";
import type { AttachmentReader } from "../media/read_attachments.ts";
import type { SpeakAnswer } from "../media/speak.ts";
import type { HistoryPorts, HistoryRules } from "../session/turn_history.ts";
import type { AnswerThreads } from "./answer_threads.ts";
import type { ResultImages } from "./turn_attachments.ts";
import type { RunningTurn } from "./turns.ts";
import type { Drafts } from "./progress/drafts.ts";
import type { ProgressLines } from "./progress/progress_lines.ts";
import type { PromptForms } from "./control/prompt_form.ts";
import type { TurnSpeech } from "./progress/speech.ts";
import type { TurnSpendPort } from "./spending/turn_spending.ts";
import type { Carries } from "../../core/store/inbox.ts";
import type { Account } from "../../core/account/account.ts";
import type { TurnRecords } from "../../store/turns/turns.ts";
import type { Inbox } from "../../store/inbox/inbox.ts";
import type { Outbox } from "../../store/outbox/outbox.ts";
import type { RecentTalk } from "../../store/messages/messages.ts";

export interface TurnRules extends ReplyRules, HistoryRules {
  /** Name of the place for people, for the log (S2). */
  readonly where: string;
  readonly instructions: Instructions;
  /** Maximum number of overheard messages for the model; 0 in direct messages. */
  readonly historyLimit: number;
  /** The tools of this turn: the same array for all turns that have the same tools. */
  readonly tools: readonly Tool[];
  /** Those that the model sees: the same array for all senders of a place (T2b); absent: these. */
  readonly offered?: readonly Tool[];
  /** User id of the sender, if they count as the owner in this place (P10). */
  readonly ownerId?: string;
  /** Whether prompt and tools are those of a small machine (T2a). */
  readonly isSmall?: true;
  /** Milliseconds that a tool call may take, from `tools.timeoutSec`. */
  readonly toolTimeoutMs: number;
  /** Maximum number of requests to the model, from `agents.maxSteps`. */
  readonly maxSteps: number;
  /** Name of the agent, for the footer; absent: it has none (R15). */
  readonly signature?: string;
  /** Whether answers have a footer (R15). */
  readonly hasFooter?: boolean;
  /** `models.currency`, for the footer. */
  readonly currency?: string;
}

/** A turn offers no tools to a model whose server refuses them, and promises none. */
export function withoutTools(rules: TurnRules): TurnRules {
  const instructions = { ...rules.instructions, hasTools: false };
  return { ...rules, tools: [], offered: [], instructions };
}

/** Everything that answering needs from outside. */
export interface AnswerPorts
  extends
    SaveTurnPorts,
    EndPorts,
    Pick<HistoryPorts, "rates" | "summaries">,
    Omit<UnderPorts, "store">,
    Pick<Account, "ended" | "randomId"> {
  readonly store:
    & Pick<
      TurnRecords,
      "entriesOf" | "overheard" | "reactionsFor" | "stepsOf" | "addSteps"
    >
    & Partial<Pick<Inbox, "takeIn">>
    & Partial<RecentTalk>
    & Pick<Outbox, "footerOf">
    & SaveTurnPorts["store"];
  readonly sessions: HistoryPorts["sessions"];
  readonly account: BotAccount;
  readonly model: Model;
  /** Chooses the form of prompts (T2a); absent: they are full. */
  readonly forms?: PromptForms;
  /** How the conversation is answered, as people have chosen. */
  readonly manner?: Manner;
  /** Budgets, and the people who know that one is spent. */
  readonly spend: TurnSpendPort;
  /** Finds the config that applies to a message's turn. */
  readonly rules: (message: InboundMessage) => TurnRules;
  /** The tools with {@link Tool.isPersonalCall}: any agent of the turn may have called them. */
  readonly readingTools: readonly Tool[];
  /** The first permission for a tool that one of the senders lacks (T4). */
  readonly missingRight: (
    messages: readonly InboundMessage[],
    needs: Tool["needs"],
  ) => Promise<string | undefined>;
  /** People whom calls wait for (A1, T10); absent: no call does. */
  readonly people?: TurnPeople;
  /** Whether a running turn for a message takes in a later one (S5); absent: it takes in none. */
  readonly steers?: Carries;
  /** The turn, which others may end. */
  readonly turn: RunningTurn;
  /** Loads the channel's context, once since the start; later `undefined`. Never fails. */
  readonly backfill: (message: InboundMessage, limit: number) => Promise<unknown> | undefined;
  /** Finds the message that a thread began with; absent: no turn gets it (H6). */
  readonly threadStarter?: (
    message: InboundMessage,
    sessionKey: string,
  ) => Promise<Overheard | undefined> | undefined;
  readonly threads: Pick<AnswerThreads, "homeOf">;
  /** Reads the files of messages (H7); absent: no turn gets any. */
  readonly media?: Pick<AttachmentReader, "read" | "imagesOf"> & {
    readonly speak: SpeakAnswer;
    readonly made?: ReadMade;
    readonly shown?: ResultImages;
  };
  /** Names the ids in texts that come with a message, as of files; absent: those that the message names (H3). */
  readonly namesOf?: (
    texts: readonly string[],
    message: InboundMessage,
  ) => MentionNames | undefined;
  /** Shows the answer while it grows. Absent: only the whole answer is shown (R8). */
  readonly drafts?: Pick<Drafts, "begin">;
  /** Speaks the answer to a person who has spoken (V5); absent: it is posted. */
  readonly speech?: TurnSpeech;
  /** Shows what the turn does. Absent: nothing of it is shown (R8a). */
  readonly lines?: Pick<ProgressLines, "begin">;
  /** Runs work that nothing waits for, soon and once; `setImmediate` by default. */
  readonly soon?: (run: () => void) => void;
}
