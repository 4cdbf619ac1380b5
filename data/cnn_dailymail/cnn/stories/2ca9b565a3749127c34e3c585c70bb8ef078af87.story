MILLBRIDGE, Tennock (CNN) -- Some 1,400 live turkeys brought the interstate to a standstill for six hours on Thursday when the truck carrying them to market overturned near Exit 41.

No people were seriously hurt. The driver, Alvin Pruett, climbed out of his window with a cut hand and spent the rest of the morning, he said, "apologizing to turkeys."

State troopers, deputies and a high school marching band whose bus was caught in the jam formed a line across the road to keep the birds out of the opposite lanes. The drummers proved most useful, according to Trooper Dana Mills, because the turkeys walked away from the noise in good order.

About 1,150 had been recaptured by nightfall. Another 90 were killed in the crash. The remainder were last seen heading into the Chubb State Forest, where hunting season opened on Saturday.

Residents along the county road reported birds on porches, on a school roof and in a car wash. Anyone who finds one is asked to call the sheriff, to keep small dogs indoors, and not to chase it with an umbrella.

@highlight

A truck carrying 1,400 live turkeys overturned near Exit 41

@highlight

A marching band stuck in the jam helped to herd the birds

@highlight

About 1,150 turkeys had been recaptured by nightfall
