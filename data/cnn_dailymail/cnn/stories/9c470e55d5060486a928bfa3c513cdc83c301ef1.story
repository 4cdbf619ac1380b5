OSTERHAVN, Saland (CNN) -- Seventeen-year-old Nilufar Saidova became the youngest winner of the Amber Tower chess tournament on Wednesday, after a last game of nine hours and 131 moves.

She needed only a draw against former champion Viktor Halasz but declined one on move 40, and another on move 77. On move 118 Halasz, 58, who had not left the board since lunch, put his queen on a square where it could be taken by a pawn.

"I saw it and I thought that it must be a trap," Saidova said. "I looked for the trap for twenty minutes. Then I looked at his face, and I saw that he had just seen it too."

Saidova learned the game from an uncle who drove a long-distance truck, and who sent her one move a day on a postcard. She said that they had still to finish the first game.

She scored eight and a half points from eleven games and takes home 30,000 dollars. Halasz was second with eight. He praised the winner and went straight to dinner.

The previous youngest winner, Pieter Aarlund, was 19 when he took the title in 1962.

@highlight

Nilufar Saidova, 17, is the youngest winner of the Amber Tower chess tournament

@highlight

Her last game against Viktor Halasz lasted nine hours and 131 moves

@highlight

She turned down two draws before he lost his queen to a pawn
