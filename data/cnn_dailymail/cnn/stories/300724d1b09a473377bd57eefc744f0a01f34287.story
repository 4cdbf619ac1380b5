(CNN) -- A phone app that turns a city into sound is helping blind people to walk routes that they had never tried alone, its developers said on Monday.

The app, called Earshot, plays a small noise for each landmark in front of the walker. A bus stop purrs. A crossing ticks like a clock. A construction site growls, louder as it gets nearer. The sounds come through headphones that sit on the cheekbone and leave the ears open.

Eighty volunteers in the city of Brampton Hythe used it for three months. On average they took 40 percent less time over an unknown route than they did with spoken directions.

"Speech makes you wait for the end of the sentence," said Gideon Farr, the programmer who thought of it and who has been blind since birth. "A growl you understand at once. You were born understanding it."

The volunteers also found faults. Market days, when stalls move, confused the app badly, and one user was guided with great confidence into a fountain.

Earshot is free, and its maps may be corrected by anybody. In the first week 212 corrections came in. The fountain was the first of them, and it gurgles now.

@highlight

The Earshot app plays a different sound for each landmark in a walker's path

@highlight

Eighty volunteers took 40 percent less time over unknown routes

@highlight

Market days confused the app, and it led one user into a fountain
