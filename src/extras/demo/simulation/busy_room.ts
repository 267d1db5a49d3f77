/**
 * The demo's busy room: a channel with three agents, where people talk without mentioning anyone (N2, I1).
 *
 * One agent has the channel, and the intent filter decides when it speaks. Another one answers
 * wherever a person says its name. The third answers everywhere else, and never here. Each line of
 * the crowd is there for one decision of the bot.
 */

import type { DemoWorld } from "../../../../simulator/actions/demo_world.ts";
import type { Control } from "../../../../simulator/page/bot_panel.ts";
import type { Simulator } from "../../../../simulator/simulator.ts";
import { addChannel, addMember, addUser } from "../../../../simulator/world/create_world.ts";
import type { DemoConfig } from "./simulation.ts";

export interface DemoAgent {
  readonly id: string;
  readonly name: string;
}

export const BUSY_ROOM = "harbour";

/** The agents: the first answers in all other channels, the second in this one. */
export const ROOM_AGENTS = [
  { id: "main", name: "Barnacle" },
  { id: "pilot", name: "Pilot" },
  { id: "cook", name: "Cook" },
] as const satisfies readonly DemoAgent[];

export interface CrowdLine {
  /** Username of the person. */
  readonly as: string;
  readonly text: string;
}

/**
 * The crowd's talk, in order. It mentions no one. Small talk gets no answer; Pilot answers the question
 * to all, and the one that follows its answer; thanks get a reaction; and Cook answers to its name.
 */
export const CROWD = {
  greeting: { as: "maud", text: "haha, the gulls are back on the quay" },
  chat: { as: "noor", text: "maud: they follow the trawlers, it was the same last year" },
  question: { as: "olaf", text: "does anyone know how I can find out when the tide turns today?" },
  followUp: { as: "olaf", text: "and how high will it be then?" },
  thanks: { as: "olaf", text: "ok thanks" },
  named: { as: "maud", text: "Cook, what is for lunch?" },
  toOther: { as: "noor", text: "olaf: do not sail today, the wind picks up" },
} as const satisfies Readonly<Record<string, CrowdLine>>;

/** Adds the channel and its people to a world in which the bot is not connected yet. */
export function addBusyRoom({ world, krill }: DemoWorld, at: number): void {
  addChannel(world, krill, { name: BUSY_ROOM, topic: "Tides, boats and lunch" }, at);
  for (const name of ["Maud", "Noor", "Olaf"]) {
    const { id } = addUser(world, { username: name.toLowerCase(), globalName: name }, at);
    addMember(krill, { userId: id, joinedAt: at });
  }
}

/** The config with the room's agents and filter. */
export function withBusyRoom(config: DemoConfig): object {
  const { discord } = config.channels;
  const { channels } = discord.guilds["krill-co"];
  const room = {
    requireMention: false,
    intentFilter: { enabled: true },
  };
  const [main, pilot, cook] = ROOM_AGENTS;
  return {
    ...config,
    agents: {
      ...config.agents,
      list: [
        { id: main.id },
        { ...pilot, prompt: "You are Pilot. You know the harbour, its tides and its boats." },
        { ...cook, prompt: "You are Cook. You know what the canteen serves." },
      ],
    },
    router: { assignments: { [pilot.id]: { channels: [BUSY_ROOM] } } },
    channels: {
      discord: {
        ...discord,
        guilds: { "krill-co": { channels: { ...channels, [BUSY_ROOM]: room } } },
      },
    },
  };
}

/** Milliseconds between two lines: enough for an answer of the built-in model. */
const LINE_MS = 1_800;

/** People who talk if the user of the page wants it. */
export interface DemoTalk {
  readonly control: Omit<Control, "isOn">;
  isTalking(): boolean;
  /** Begins the talk, or ends it. */
  toggle(): void;
  stop(): void;
}

/** Creates the crowd. It says nothing before `toggle`. */
export function createCrowd(simulator: Simulator, tell: (text: string) => void): DemoTalk {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let left: CrowdLine[] = [];

  function say(): void {
    const line = left.shift();
    timer = undefined;
    if (!line) return;
    simulator.say({ as: line.as, in: `#${BUSY_ROOM}`, text: line.text });
    timer = setTimeout(say, LINE_MS);
  }

  return {
    control: {
      id: "crowd",
      group: "demo",
      label: "Let a crowd talk",
      hint:
        `People talk in #${BUSY_ROOM} and mention no one. See which agent answers, and why not.`,
    },
    isTalking: () => timer !== undefined,
    toggle() {
      if (timer !== undefined) return this.stop();
      tell(`Maud, Noor and Olaf talk in #${BUSY_ROOM}, and mention no one`);
      left = Object.values(CROWD);
      say();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
