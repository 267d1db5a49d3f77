/** Answers to commands that change settings, and to `/approve`. */

/** Answers to these commands. */
export const SETTING_NOTICES = {
  settingNow: {
    text: "`/{name}` is `{value}` here. To change it, choose one of: {values}",
    when: "a person uses a command for a setting without a value, such as `/queue`",
    placeholders: {
      name: "the command, without its slash",
      value: "the value of the setting",
      values: "all values",
    },
    example: "`/{name}`: `{value}`. Es geht auch: {values}",
  },
  settingChosen: {
    text: "`/{name}` is `{value}` here from now on.",
    when: "a person chooses the value of a setting, such as `/queue collect`",
    placeholders: { name: "the command, without its slash", value: "the chosen value" },
    example: "`/{name}` ist hier jetzt `{value}`.",
  },
  thinkRefused: {
    text: "The server of `{model}` has refused the level `{level}`, so it has no effect.",
    when: "a person uses `/think`, and the model does not take the level",
    placeholders: { model: "the model of the conversation", level: "the level of thinking" },
    example: "Das nimmt `{model}` nicht: {level}",
  },
  thinkLater: {
    text: "If the server of `{model}` refuses it, I answer without it, and `/think` says so.",
    when: "a person chooses a level by `/think`, as the second line",
    placeholders: { model: "the model of the conversation" },
    example: "Ob `{model}` das nimmt, sagt danach `/think`.",
  },
  thinkingShown: {
    text: "My thinking:",
    when: "`/reasoning` is on, above the model's thinking",
    example: "Gedacht habe ich:",
  },
  stepDone: {
    text: "used `{tool}`",
    when: "`/verbose` is on, for each tool that ran",
    placeholders: { tool: "the tool" },
    example: "`{tool}` benutzt",
  },
  stepFailed: {
    text: "`{tool}` failed",
    when: "`/verbose` is on, for each tool that failed",
    placeholders: { tool: "the tool" },
    example: "`{tool}` ging nicht",
  },
  stepsMore: {
    text: "and {count} more",
    when: "`/verbose` is on, if more than ten tools ran",
    placeholders: { count: "number of further calls" },
    example: "und {count} weitere",
  },
  activationInServers: {
    text: "`/activation` works in servers only: elsewhere, I need no mention.",
    when: "an owner uses `/activation` outside a server",
    example: "`/activation` geht nur auf Servern.",
  },
  restarting: {
    text: "I am restarting. I will be back in a moment.",
    when: "an owner restarts the bot",
    example: "Bin gleich wieder da.",
  },
  restarted: {
    text: "I have restarted.",
    when: "a restart by an owner is done, if its answer was not sent before",
    example: "Ich bin neu gestartet.",
  },
  restartRefused: {
    text:
      "I see no supervisor that would start me again, so I keep running. If there is one, set " +
      "`BARNACLE_SUPERVISED=1` in my environment.",
    when: "an owner restarts a bot that nothing would start again",
    example: "Mich startet niemand wieder: `BARNACLE_SUPERVISED`",
  },
  dashboardLink: {
    text:
      "This link logs one browser in, once, within {minutes} minutes: <{url}> If it does not open here, " +
      "set `http.publicUrl` to an address that this device reaches.",
    when: "an owner uses `/dashboard`",
    placeholders: { url: "the address", minutes: "how long it works" },
    example: "{minutes} Minuten lang: <{url}>",
  },
  dashboardOff: {
    text: "My dashboard is off. To switch it on: `barnacle config set http.dashboard true`",
    when: "an owner uses `/dashboard`, and `http.dashboard` is off",
    example: "Es ist aus: `http.dashboard`",
  },
  dashboardNone: {
    text: "I have no dashboard now, because another program uses my HTTP port: see `http.port`.",
    when: "an owner uses `/dashboard`, and the bot has no HTTP server",
    example: "Der Port `http.port` ist belegt.",
  },
  approvalsNone: {
    text: "No command waits for your decision.",
    when: "an approver uses `/approve` without an ID, and nothing waits for them",
    example: "Nichts wartet auf dich.",
  },
  approvals: {
    text: "These commands wait for your decision. To decide: `/approve <id> <decision>`",
    when: "an approver uses `/approve` without an ID, as the first line",
    example: "Diese Befehle warten auf dich:",
  },
  approvalUnknown: {
    text: "`{id}` is unknown, decided or expired.",
    when: "an approver names an approval that they cannot decide",
    placeholders: { id: "the ID that they gave" },
    example: "`{id}` wartet nicht auf dich.",
  },
  approvalNoChoice: {
    text: "`{id}` can only be allowed once, or denied.",
    when: "an approver chooses to allow a command for good that may be allowed once only",
    placeholders: { id: "the ID of the approval" },
    example: "`{id}` geht so nicht.",
  },
} as const;
