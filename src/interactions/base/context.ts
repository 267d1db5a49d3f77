/** Declares the parts of the bot that commands and components may use. */

import type { Account, StatusFacts } from "../../core/account/account.ts";
import type { BotAccount } from "../../account/account.ts";
import type { CommandNeeds } from "../../core/inbound/text_commands.ts";
import type { ContextWindow } from "../../core/model.ts";
import type { BudgetUse } from "../../core/spending/budget.ts";
import type { Folded } from "../../core/turn/checkpoint.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { OwnTurn } from "../../core/inbound/inbound.ts";
import type { StopScope } from "../../core/inbound/inbox.ts";
import type {
  ButtonPress,
  CommandCall,
  CommandTarget,
  ComponentUse,
} from "../../core/inbound/interactions.ts";
import type { ThinkLevel } from "../../core/people/chosen.ts";
import type { ListChange, ListChoice, NoList, PeopleList } from "../../core/people/people_list.ts";
import type { QuestionDecisions } from "../../store/questions/questions.ts";
import type { Store } from "../../store/store.ts";
import type { createChosenSettings } from "../parts/chosen_settings.ts";
import type { McpSignIns } from "../parts/mcp_sign_ins.ts";
import type { createForget, createWhy } from "../parts/records.ts";
import type { AccountPause, createRestart } from "../parts/switches.ts";
import type { createCommandUndo } from "../parts/undo.ts";
import type { CommandAnswer } from "./command.ts";

/** The size of a conversation, for `/context`. */
export interface ContextFacts {
  /** Number of entries of the transcript that are not folded. */
  readonly entries: number;
  /** Estimated number of their tokens, with the summary of the folded ones. */
  readonly tokens: number;
  /** Number of tokens that fit into a request to the model. */
  readonly room: number;
  readonly window: ContextWindow;
  readonly folded: Folded;
  /** When the model last gave no summary, as Unix time in milliseconds; absent if it gave the last. */
  readonly summaryFailedAt?: number;
}

export interface Conversations {
  /**
   * Begins a new transcript (S4a).
   *
   * @returns Number of entries that the model does not see any more.
   */
  reset(call: CommandCall): Promise<number>;
  /** Folds all entries into a summary. `failed`: the model gave none. */
  compact(call: CommandCall): Promise<"folded" | "nothing" | "failed">;
}

export interface ConversationModels {
  /** Ids of all of them, as `"<provider>/<model>"`; the config's first one first. */
  readonly ids: () => readonly string[];
  of(call: CommandCall): Promise<{ readonly id: string }>;
  refusedThinking(
    call: CommandCall,
  ): Promise<{ readonly id: string; readonly levels: ReadonlySet<ThinkLevel> }>;
  /** Chooses one; `undefined`: the config's first one again. */
  choose(call: CommandCall, id: string | undefined): Promise<void>;
}

export interface ConfigPort {
  /** Whether `/config` is allowed, and whether it may change the file (K4). */
  readonly allows: () => { readonly reading: boolean; readonly writing: boolean };
  readonly paths: () => readonly string[];
  /** The value at a path as JSON, without secrets; `undefined` if there is none. */
  get(path: string): Promise<string | undefined>;
  /**
   * Writes a value, after a check of the whole file.
   *
   * @param value `undefined` removes the key.
   * @returns The problem, if the file would be invalid; then nothing has changed.
   */
  set(path: string, value: string | undefined): Promise<string | undefined>;
}

/** The allow lists of people, for `/allowlist`. */
export interface Allowlists {
  /** A list as it holds now, with the people who have access by a pairing. */
  show(call: CommandCall, choice: ListChoice): Promise<{
    readonly list: PeopleList | NoList;
    readonly paired: readonly { readonly userId: UserId; readonly username: string }[];
  }>;
  /** Adds a person to a list, or removes one. A change applies as soon as the bot has read it. */
  change(
    call: CommandCall,
    choice: ListChoice,
    how: "add" | "remove",
    userId: UserId,
  ): Promise<ListChange>;
}

/** A question by a command, in the asker's name. */
export interface CommandQuestion {
  readonly text: string;
  /** The message that it is about. */
  readonly about?: CommandTarget;
  /** Set if it is for a turn with the person's own accounts (T13a). */
  readonly own?: OwnTurn;
}

/** A link that logs an owner in to the dashboard once (O6). */
export type DashboardLink =
  | {
    readonly kind: "link";
    /** With the token behind its `#`, which no browser sends anywhere. */
    readonly url: string;
    readonly validSec: number;
  }
  /** `off`: `http.dashboard` is off. `none`: the bot has no HTTP server. */
  | { readonly kind: "off" | "none" };

/** Everything that commands and components use. Promises of all parts reject if the store fails. */
export interface InteractionContext
  extends Pick<Account, "now" | "log">, ReturnType<typeof createCommandUndo> {
  readonly account: BotAccount;
  /** Each takes the namespaces that it works on; `questions` decides about questions. */
  readonly store: Store;
  readonly isOwner: (call: CommandCall) => Promise<boolean>;
  /** Reads the account's state at this moment, as far as it concerns the asker. */
  readonly status: (call: CommandCall) => Promise<StatusFacts>;
  readonly commands: () => readonly {
    /** Its name, without `/`. */
    readonly name: string;
    readonly description: string;
    readonly needs: CommandNeeds;
  }[];
  /** The size of the conversation that a message of the asker would continue here. */
  readonly contextOf: (call: CommandCall) => Promise<ContextFacts>;
  /** The limits that a question of the asker counts for. */
  readonly budgets: (call: CommandCall) => Promise<readonly BudgetUse[]>;
  /** The currency of the config's prices; `undefined`: amounts stand alone. */
  readonly currency: () => string | undefined;
  readonly conversations: Conversations;
  readonly models: ConversationModels;
  readonly turns: {
    /** Stops turns; returns how many messages have lost theirs. */
    stop(scope: StopScope): Promise<number>;
    /** Whether a person may stop the turns of others there (K3). */
    mayStopAll(event: CommandCall | ComponentUse): Promise<boolean>;
  };
  /** The agent that answers the asker here; `undefined` if the bot has one alone. */
  readonly agentHere: (call: CommandCall) => string | undefined;
  readonly settings: Pick<ReturnType<typeof createChosenSettings>, "of" | "choose">;
  readonly why: ReturnType<typeof createWhy>;
  /** The skills of the agent, as a person in that place may use them. */
  readonly skills: (
    call: CommandCall,
  ) => Promise<readonly { readonly name: string; readonly description: string }[]>;
  /**
   * Starts a turn in the asker's name. The same call starts one turn.
   *
   * @returns Where the answer will be; `refused` by the policy, `full` if too many messages wait,
   * `nowhere` if the bot may not post.
   */
  readonly ask: (
    call: CommandCall,
    question: CommandQuestion,
  ) => Promise<"here" | "direct" | "refused" | "full" | "nowhere">;
  readonly forget: ReturnType<typeof createForget>;
  /** Removes the program's secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Resolves to an empty text if the command or the press has no effect. */
  readonly byExtra: (use: CommandCall | ButtonPress) => Promise<CommandAnswer>;
  /** Whether the config has `voice`. */
  readonly talks: () => boolean;
  readonly agents: () => readonly { readonly id: string; readonly modelId: string }[];
  readonly dashboardLink: () => Promise<DashboardLink>;
  readonly pause: AccountPause["port"];
  readonly restart: ReturnType<typeof createRestart>;
  readonly config: ConfigPort;
  readonly allowlists: Allowlists;
  readonly mcp: McpSignIns;
  /** Decides questions to people; turns then continue, and cards change. */
  readonly questions: Pick<QuestionDecisions, "decide" | "open">;
}
