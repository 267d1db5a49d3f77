/** Notices about questions to people: approvals, and questions of the model (A1, T10). */

/** Notices about questions to people. */
export const QUESTION_NOTICES = {
  approvalAsked: {
    text: "I want to run a command, and need your approval.",
    when: "a command needs an approval, to each approver",
    example: "Darf ich diesen Befehl ausführen?",
  },
  limitAsked: {
    text: "That would be {count} destructive changes for one message. Go on with these?",
    when: "a turn needs more destructive actions than `tools.discord.maxDestructive`, to its asker",
    placeholders: { count: "the number of changes, with those that are made" },
    example: "Das wären {count} Änderungen auf einmal. Weiter?",
  },
  irreversibleAsked: {
    text: "This, or a part of it, cannot be undone. Shall I do it?",
    when: "an action deletes, kicks, bans or ends a poll, to its asker",
    example: "Das lässt sich nicht rückgängig machen. Soll ich?",
  },
  showAsked: {
    text: "Not everyone who reads {place} may read {channel}. Show it in {place}?",
    when: "people would read words of a channel in another one who may not read it, to the asker",
    placeholders: {
      channel: "the channel of the words",
      place: "the channel that would show them",
    },
    example: "Nicht alle in {place} dürfen {channel} lesen. In {place} zeigen?",
  },
  sendAsked: {
    text: "Not everyone who would read this may read this conversation. Send it?",
    when: "a tool would take words to people who may not read the turn's place, to the asker",
    example: "Nicht alle, die das lesen, dürfen hier mitlesen. Senden?",
  },
  goOn: {
    text: "Go on",
    when:
      "a card asks about actions, or about words for more readers, on the button that allows it",
    example: "Weiter",
  },
  ownAnswer: {
    text: "About your question in {place}: the answer is from your own account, so it comes here.",
    when: "a person asks for their own account in a server, in direct messages before the answer",
    placeholders: { place: "the channel, as a mention" },
    example: "Zu deiner Frage in {place}: Die Antwort ist nur für dich.",
  },
  signInAsked: {
    text: "Sign in to `{server}` at {host} with your own account. Pass on no address and no code:",
    when: "a person must sign in with their own account, above the address",
    placeholders: { server: "the server's name in the config", host: "the host of the address" },
    example: "Melde dich bei {host} an (`{server}`):",
  },
  signInField: {
    text: "Your browser's last address",
    when: "a person ends a sign-in with their own account, beside the field",
    example: "Letzte Adresse im Browser",
  },
  questionFor: {
    text: "{user} {question}",
    when: "the model asks a person with `ask`",
    placeholders: { user: "the asked person, as a mention", question: "the question" },
    example: "{user}: {question}",
  },
  questionEnds: {
    text: "Expires {when} · ID: `{code}`",
    when: "a question is shown, below it",
    placeholders: { when: "when it expires", code: "the ID for `barnacle approvals`" },
    example: "Endet {when}, `{code}`",
  },
  questionTooLong: {
    text: "The command is too long to show here. Run `barnacle approvals show {code}` on the host.",
    when: "a command is too long for a Discord message",
    placeholders: { code: "the ID of the approval" },
    example: "Zu lang: siehe `barnacle approvals show {code}`.",
  },
  allowOnce: {
    text: "Allow once",
    when: "a call needs an approval, on the button that allows it",
    example: "Einmal erlauben",
  },
  allowAlways: {
    text: "Always allow",
    when: "a call needs an approval, on the button that allows it for good",
    example: "Immer erlauben",
  },
  denyCall: {
    text: "Deny",
    when: "a call needs an approval, on the button that refuses it",
    example: "Ablehnen",
  },
  fillIn: {
    text: "Fill in",
    when: "a question has a form, on the button that opens it",
    example: "Ausfüllen",
  },
  chooseOption: {
    text: "Choose",
    when: "the model asks with more options than fit on buttons, in the menu",
    example: "Auswählen",
  },
  chooseOptionOf: {
    text: "Choose ({range})",
    when: "a question needs several menus, in each of them",
    placeholders: { range: "numbers of the menu's options" },
    example: "Auswählen ({range})",
  },
  formFilledIn: {
    text: "{by} filled in the form.",
    when: "a form is filled in, below the question",
    placeholders: { by: "the person" },
    example: "{by} hat alles ausgefüllt.",
  },
  formReceived: {
    text: "Thanks, I have your answer.",
    when: "a form is filled in, to the person alone",
    example: "Danke, alles ist da.",
  },
  formMisfit: {
    text: "Your answer does not fit the form. Please fill it in again.",
    when: "a submitted form has no text, or too long a one",
    example: "Das passt nicht. Bitte noch einmal ausfüllen.",
  },
  questionAnswered: {
    text: "{by} chose: {answer}",
    when: "a question is answered, below it",
    placeholders: { by: "the person", answer: "the answer" },
    example: "{by} wählte: {answer}",
  },
  questionExpired: {
    text: "No one answered in time.",
    when: "a question has expired, below it",
    example: "Es kam keine Antwort.",
  },
  questionUndelivered: {
    text:
      "This needs a decision of {people}, but Discord doesn't let me write to them, so I go on " +
      "without it. They can allow direct messages from members of this server.",
    when:
      "no person who should decide can get the question by direct message, in the place of the turn",
    placeholders: { people: "the people who should decide, as mentions without a ping" },
    example: "{people} müsste zustimmen, nimmt aber keine Direktnachrichten an.",
  },
  questionWithdrawn: {
    text: "This needs no answer any more.",
    when:
      "the turn that asked was stopped, or its message was edited or deleted, below the question",
    example: "Das hat sich erledigt.",
  },
  questionNotAsked: {
    text: "This question is not for you.",
    when: "a person answers a question for another person",
    example: "Die Frage geht nicht an dich.",
  },
  questionClosed: {
    text: "This was already decided, has expired, or a message behind it was removed.",
    when: "a person answers a question that is not open",
    example: "Das ist schon entschieden oder abgelaufen.",
  },
} as const;
