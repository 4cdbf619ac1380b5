(CNN) -- Lawmakers in Tolliver County voted 7-4 on Wednesday to let residents send the county a bill for any pothole that has gone unrepaired for more than thirty days.

Under the measure, a driver who reports a hole with a photograph starts a clock. If the hole is still there a month later, anyone whose car is damaged by it may claim up to 500 dollars without going to court.

Supporter Gwen Ashby, who represents the rural third district, brought a bent wheel rim to the chamber and placed it on her desk for the whole of the debate. "I have four more in the barn," she said.

Opponents warned of fraud and of the cost. The county treasurer estimated that claims could come to 900,000 dollars in the first year, more than twice what is now spent on filling holes.

"Then the thing to do is fill them," replied Ashby.

An amendment that would have excluded gravel roads failed by one vote. Another, which doubles the fine for false claims, passed without a dissenting voice.

County Executive Norman Tuck has until March 1 to sign or veto the bill. His spokeswoman said that he was reading it carefully, and that he had recently bought two tires.

@highlight

Tolliver County votes to let drivers bill it for potholes left over thirty days

@highlight

Drivers could claim up to 500 dollars without going to court

@highlight

The treasurer says claims may reach 900,000 dollars in the first year
