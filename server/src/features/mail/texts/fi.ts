import type { MailTexts } from './types.ts';

export const fi: MailTexts = {
  greeting: 'Hei {name},',
  footer: 'Tämän viestin lähetti Parley osoitteessa {host}. Vastauksia siihen ei lueta.',
  linkHint: 'Jos painike ei toimi, avaa tämä osoite:',
  unknownDevice: 'tuntematon laite',
  mails: {
    invitation: {
      subject: '{inviter} kutsuu sinut Parleyhin: {workspace}',
      before: [
        '{inviter} kutsuu sinut mukaan Parleyn työtilaan {workspace}.',
        'Linkki on osoitteelle {address}. Se toimii kerran, 7 päivän ajan.',
      ],
      action: 'Hyväksy kutsu',
      after: ['Jos et tiedä, mistä on kyse, sinun ei tarvitse tehdä mitään.'],
    },
    password_reset: {
      subject: 'Uusi salasana Parleyhin',
      before: [
        'Joku, toivottavasti sinä, pyysi uutta salasanaa osoitteelle {address}.',
        'Linkki toimii kerran, 30 minuutin ajan. Uusi salasana päättää kaikki tilisi kirjautumiset.',
      ],
      action: 'Aseta uusi salasana',
      after: ['Jos se et ollut sinä, sinun ei tarvitse tehdä mitään: salasanasi pysyy ennallaan.'],
    },
    password_changed: {
      subject: 'Parley-salasanasi vaihdettiin',
      before: [
        'Tilisi {address} salasana vaihdettiin {time}. Kaikki aiemmat kirjautumiset päätettiin.',
        'Jos se olit sinä, sinun ei tarvitse tehdä mitään.',
      ],
      action: 'Etkö se ollut sinä? Aseta uusi salasana',
    },
    prove_address: {
      subject: 'Vahvista sähköpostiosoitteesi Parleyhin',
      before: [
        'Vahvista, että {address} on sinun osoitteesi. Vasta sen jälkeen voit asettaa uuden salasanan sähköpostitse ja saat tiedon, kun joku kirjautuu.',
        'Linkki toimii kerran, 24 tunnin ajan.',
      ],
      action: 'Vahvista osoite',
      after: ['Jos sinulla ei ole Parley-tiliä, sinun ei tarvitse tehdä mitään.'],
    },
    address_changed: {
      subject: 'Sähköpostiosoitteesi Parleyssa vaihdettiin',
      before: [
        'Tililläsi on nyt toinen sähköpostiosoite; osoitteella {address} ei enää voi kirjautua. Se vaihdettiin {time}.',
        'Jos se et ollut sinä, ota heti yhteyttä työtilasi omistajaan tai tämän Parleyn ylläpitäjään.',
      ],
    },
    new_device: {
      subject: 'Uusi kirjautuminen Parley-tilillesi',
      before: [
        'Joku kirjautui tilillesi {address} laitteelta, jota se ei tuntenut:',
        '{device}, verkosta {place}, {time}',
        'Jos se olit sinä, sinun ei tarvitse tehdä mitään.',
      ],
      action: 'Etkö se ollut sinä? Aseta uusi salasana',
    },
    sign_in_link: {
      subject: 'Kirjaudu Parleyhin',
      before: [
        'Joku, toivottavasti sinä, haluaa kirjautua tilillesi laitteelta, jota se ei tunne.',
        'Avaa linkki 15 minuutin kuluessa ja anna siellä salasanasi.',
      ],
      action: 'Jatka kirjautumiseen',
      after: ['Jos se et ollut sinä, sinun ei tarvitse tehdä mitään: pelkkä linkki ei avaa mitään.'],
    },
    test: {
      subject: 'Parleyn testiviesti',
      before: ['Tämä on pyytämäsi testiviesti. Tämän Parleyn viestit tulevat perille.'],
    },
  },
};
