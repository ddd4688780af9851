/**
 * The few sentences Parley says in its own name, in the customer's language; English where a language is missing.
 * `{position}` and `{minutes}` are filled in.
 */
type Phrases = {
  hello: string;
  welcome: string;
  goodbye: string;
  handoff: string;
  handoffPlace: string;
  modelFailed: string;
  cannotReadFiles: string;
  notUnderstood: string;
};

const english: Phrases = {
  hello: 'Hello! What can I help you with?',
  welcome: 'You are welcome! Is there anything else?',
  goodbye: 'Goodbye, and write again whenever you need us.',
  handoff: 'I am handing you over to a colleague, who will read everything written here.',
  handoffPlace: 'You are number {position} in the queue, about {minutes} min. You can close this: we keep your place.',
  modelFailed: 'I cannot answer right now because of a technical problem.',
  cannotReadFiles: 'I cannot read files yet.',
  notUnderstood: 'I could not find an answer to this in our help pages.',
};

const phrases: Record<string, Phrases> = {
  en: english,
  de: {
    hello: 'Hallo! Wobei kann ich helfen?',
    welcome: 'Gern geschehen! Gibt es noch etwas?',
    goodbye: 'Auf Wiedersehen, und schreiben Sie jederzeit wieder.',
    handoff: 'Ich übergebe Sie an eine Kollegin oder einen Kollegen. Alles hier Geschriebene wird gelesen.',
    handoffPlace:
      'Sie sind Nummer {position} in der Warteschlange, etwa {minutes} Min. Sie können das Fenster schließen: Ihr Platz bleibt.',
    modelFailed: 'Wegen eines technischen Problems kann ich gerade nicht antworten.',
    cannotReadFiles: 'Dateien kann ich noch nicht lesen.',
    notUnderstood: 'Dazu habe ich in unseren Hilfeseiten nichts gefunden.',
  },
  fi: {
    hello: 'Hei! Miten voin auttaa?',
    welcome: 'Ole hyvä! Onko vielä jotain muuta?',
    goodbye: 'Näkemiin, ja kirjoita taas kun tarvitset apua.',
    handoff: 'Siirrän sinut kollegalle, joka lukee kaiken tähän kirjoitetun.',
    handoffPlace: 'Olet jonossa sijalla {position}, odotus noin {minutes} min. Voit sulkea ikkunan: paikkasi säilyy.',
    modelFailed: 'En voi juuri nyt vastata teknisen ongelman vuoksi.',
    cannotReadFiles: 'En osaa vielä lukea tiedostoja.',
    notUnderstood: 'En löytänyt tähän vastausta ohjesivuiltamme.',
  },
  fr: {
    hello: 'Bonjour ! Que puis-je faire pour vous ?',
    welcome: 'Avec plaisir ! Autre chose ?',
    goodbye: 'Au revoir, écrivez-nous quand vous voulez.',
    handoff: 'Je vous passe un collègue, qui lira tout ce qui est écrit ici.',
    handoffPlace:
      'Vous êtes numéro {position} dans la file, environ {minutes} min. Vous pouvez fermer : nous gardons votre place.',
    modelFailed: 'Un problème technique m’empêche de répondre en ce moment.',
    cannotReadFiles: 'Je ne sais pas encore lire les fichiers.',
    notUnderstood: 'Je n’ai pas trouvé de réponse dans nos pages d’aide.',
  },
  es: {
    hello: '¡Hola! ¿En qué puedo ayudar?',
    welcome: '¡De nada! ¿Algo más?',
    goodbye: 'Hasta luego; escriba cuando lo necesite.',
    handoff: 'Le paso con una persona del equipo, que leerá todo lo escrito aquí.',
    handoffPlace:
      'Es el número {position} en la cola, unos {minutes} min. Puede cerrar la ventana: guardamos su lugar.',
    modelFailed: 'Un problema técnico me impide responder ahora.',
    cannotReadFiles: 'Todavía no puedo leer archivos.',
    notUnderstood: 'No he encontrado la respuesta en nuestras páginas de ayuda.',
  },
  sv: {
    hello: 'Hej! Vad kan jag hjälpa till med?',
    welcome: 'Varsågod! Är det något mer?',
    goodbye: 'Hej då, och skriv igen när du behöver oss.',
    handoff: 'Jag lämnar över till en kollega, som läser allt som står här.',
    handoffPlace: 'Du är nummer {position} i kön, ungefär {minutes} min. Du kan stänga fönstret: platsen är din.',
    modelFailed: 'Ett tekniskt problem gör att jag inte kan svara just nu.',
    cannotReadFiles: 'Jag kan inte läsa filer än.',
    notUnderstood: 'Jag hittade inget svar på detta i våra hjälpsidor.',
  },
};

export const phrase = (language: string, key: keyof Phrases, values: Record<string, string | number> = {}): string =>
  (phrases[language] ?? english)[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
