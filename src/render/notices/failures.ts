/** Notices about failed turns: one sentence for each thing that people can do about it (R11). */

const ID = { id: "the ID of the failure in the log" };

export const FAILURE_NOTICES = {
  failure: {
    text: "Sorry, something went wrong and I couldn't answer. Error ID for my operator: `{id}`",
    when:
      "a turn fails, and no notice below fits; if you set only this one, in place of those, too",
    placeholders: ID,
    example: "Das ging schief: `{id}`",
  },
  failureKey: {
    text: "I can't answer: my model's server refuses my key, which only my operator can change. " +
      "Error ID: `{id}`",
    when: "a turn fails because the model's server refuses the key",
    placeholders: ID,
    example: "Mein Modell lässt mich nicht hinein: `{id}`",
  },
  failureQuota: {
    text:
      "I can't answer: the credit for my model is used up, which only my operator can change. " +
      "Error ID: `{id}`",
    when: "a turn fails because the quota or the credit of the model's key is used up",
    placeholders: ID,
    example: "Das Guthaben für mein Modell ist leer: `{id}`",
  },
  failureMemory: {
    text: "I can't answer: the machine of my model has too little memory for it, which only my " +
      "operator can change. Error ID: `{id}`",
    when: "a turn fails because the machine of the model's server has too little memory",
    placeholders: ID,
    example: "Mein Modell braucht mehr Speicher, als es hat: `{id}`",
  },
  failureSetup: {
    text: "I can't answer: I don't find my model at its address, which only my operator can " +
      "change. Error ID: `{id}`",
    when: "a turn fails because the model or its address is wrong",
    placeholders: ID,
    example: "Mein Modell ist dort nicht zu finden: `{id}`",
  },
  failureBusy: {
    text: "My model is overloaded or unreachable at the moment. Please ask me again in a few " +
      "minutes. Error ID: `{id}`",
    when: "a turn fails because the model's server is down, or refuses more requests for now",
    placeholders: ID,
    example: "Gerade ist zu viel los, frag gleich noch einmal: `{id}`",
  },
  failureLimited: {
    text: "My model takes no more requests for now. Please ask me again {when}. Error ID: `{id}`",
    when: "a turn fails because the model's server names a time, more than five minutes away, " +
      "until which it takes no requests",
    placeholders: { ...ID, when: "that time, as Discord shows it" },
    example: "Mein Modell macht Pause. Frag {when} noch einmal: `{id}`",
  },
  failureTooLong: {
    text: "This is more than my model can read at once. Please send less, or begin a new " +
      "conversation with `/new`. Error ID: `{id}`",
    when: "a turn fails because the model's server refuses the request for its length",
    placeholders: ID,
    example: "Das ist mir zu lang: `{id}`",
  },
  failureFiltered: {
    text: "My model refuses to answer this. Please ask in other words. Error ID: `{id}`",
    when: "a turn fails because the model's filter, or its provider's, refuses the conversation",
    placeholders: ID,
    example: "Dazu sagt mein Modell nichts: `{id}`",
  },
  failureCall: {
    text: "I can't answer: my model called a tool, and its server did not understand the call, " +
      "which only my operator can change. Error ID: `{id}`",
    when: "a turn fails because the tool parser of the model's server does not read its tool calls",
    placeholders: ID,
    example: "Mein Modell wollte ein Werkzeug, aber sein Server verstand es nicht: `{id}`",
  },
  failureSlow: {
    text: "My model took too long to answer. Please ask me again later. Error ID: `{id}`",
    when: "a turn fails because the model falls silent, or the time for the turn is over",
    placeholders: ID,
    example: "Das hat zu lange gedauert: `{id}`",
  },
  failureSteps: {
    text: "I used all my steps and came to no answer. Please ask me for a smaller part of it. " +
      "Error ID: `{id}`",
    when: "a turn fails because the model has used `agents.maxSteps` and wrote nothing",
    placeholders: ID,
    example: "Zu viele Schritte, frag bitte nach weniger: `{id}`",
  },
  failureDone: {
    text: "This I had done before: {calls}.",
    when: "a turn fails after calls of tools, below the notice about the failure",
    placeholders: { calls: "the tools, with their actions" },
    example: "Vorher erledigt: {calls}.",
  },
  failureUnclear: {
    text: "I can't tell whether this happened: {calls}.",
    when: "a turn fails, and the outcome of some calls is unknown, below that notice",
    placeholders: { calls: "the tools, with their actions" },
    example: "Unklar, ob das geschah: {calls}.",
  },
} as const;
