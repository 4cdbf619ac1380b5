(CNN) -- Hollin Rovers won the Lakes Cup for the first time in their 88-year history on Saturday, beating favorites Aldmere City 3-2 after extra time in front of 31,000 people at the Millpond Stadium.

Aldmere were two goals ahead inside twenty minutes. Winger Pascal Odeny curled in the first from the edge of the penalty area, and then set up Tomas Vrell for a simple header at the far post.

Rovers looked beaten, but a double substitution at half-time changed the game. Eighteen-year-old Jodie Marsham, playing only his fourth senior match, scored with his first touch. He added a second in the 83rd minute when the Aldmere goalkeeper dropped a corner at his feet.

The winner came in the last minute of extra time. Captain Rui Castanho, who is to retire this summer, struck a free kick from 28 yards that went in off the bar.

"I have hit that bar a hundred times in my career," Castanho said. "Today it decided to be my friend."

@highlight

Hollin Rovers beat Aldmere City 3-2 after extra time to win the Lakes Cup

@highlight

Teenage substitute Jodie Marsham scored twice as Rovers came from two goals down

@highlight

Retiring captain Rui Castanho hit the winner from a free kick in the last minute
