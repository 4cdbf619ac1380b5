A burglar was caught after a parrot spent three days repeating the name of his accomplice, a court has heard.

Lee Scudder, 26, broke into a flat in Port Merrin last November while its owner was at the theatre. He took jewellery worth £6,200, a camera and a bottle of sherry, but left behind a grey parrot called Admiral.

When the owner, Mrs Rosalind Tate, came home, the bird greeted her with the words 'Hurry up, Wayne', which it had not been known to say before. It said them, she told the court, 'some four hundred times, in a most unpleasant voice'.

Police already knew of a Wayne Hobday, who lived two streets away. In his shed they found the camera, most of the jewels, and Scudder.

Both men admitted burglary at Merrin Crown Court. Scudder was jailed for 22 months; Hobday, who had waited outside, was given a suspended sentence.

Judge Philippa Renshaw said that the parrot had been no part of the formal evidence, and that she was sorry not to have met it.

Admiral has since moved on. He now says 'Call the next witness', which Mrs Tate blames on the television.

@highlight

Lee Scudder was jailed for 22 months for burgling a flat in Port Merrin

@highlight

The owner's parrot kept repeating the words 'Hurry up, Wayne'

@highlight

Police found the stolen camera and jewels in Wayne Hobday's shed
