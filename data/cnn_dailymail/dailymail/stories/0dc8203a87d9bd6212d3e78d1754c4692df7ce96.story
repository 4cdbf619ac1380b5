Little Haddow 214 for 9, Brough Vale 213 all out. Little Haddow won by one wicket.

It is not often that a number eleven is carried from a field on the shoulders of the opposition, but then Reverend Giles Attwater does not often score 71.

The vicar came in yesterday with Little Haddow at 62 for nine, chasing 214, and with a funeral to take at five o'clock. His highest score in 22 seasons was six. At the other end was Sunil Dasari, a lad of 16, who had been told to enjoy himself.

They put on 152. Attwater was dropped on 4, on 11 and, most painfully for Brough Vale, on 70, when two fielders ran into each other beneath a gentle catch. Dasari was altogether tidier and finished on 66 not out, with nine fours.

The winning run was a leg bye off the clerical boot.

The vicar reached the church with four minutes to spare. The congregation is said to have noticed the pads.

@highlight

Little Haddow beat Brough Vale by one wicket after slumping to 62 for nine

@highlight

Reverend Giles Attwater, batting at eleven, scored 71

@highlight

He put on 152 for the last wicket with 16-year-old Sunil Dasari
